"""The notice as a document: what it is, how it is read, how it is printed. No database here."""
