"""Files that organisers hand in and take out: programmes and lists of people.

Bytes in, values out, and back: nothing here opens a file, asks the network or touches the database.
A file is taken whole or not at all, and every fault in it is told at once, each with its line.
"""
