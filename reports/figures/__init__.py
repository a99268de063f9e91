"""What a paper's figures show, drawn on given axes."""
