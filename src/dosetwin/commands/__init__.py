"""What each word of the command line does; one file per word, imported only when that word is used."""
