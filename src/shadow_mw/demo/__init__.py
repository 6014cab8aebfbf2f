"""The main job in one command: two model servers, a web app with the one line, and a report."""
