"""What a judge is worth, and the win rate that people would have given."""
