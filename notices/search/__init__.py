"""Chinese full-text search in a file of its own, beside either database.

words      text → runs of units → the tokens that are stored
asking     what is looked for: words, filters, order, place in the list → expressions
index      the SQLite FTS5 file: add, remove, count, walk
hits       what a question finds: its pages, and what each value of a filter would leave
following  the file kept up with the publication log; made anew where it is lost
excerpts   where the words stand in a notice

Searched are the current editions that are public: what the page of the notice shows.
"""
