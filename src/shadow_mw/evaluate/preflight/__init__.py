"""What a candidate's tokeniser makes of stored prompts, before the candidate is asked anything."""
