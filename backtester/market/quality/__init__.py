"""What a data set that loads may still have wrong: each check says what it found, in which row, and what could be done."""
