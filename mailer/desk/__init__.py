"""The organisers' pages, below `/admin`: what the command line and mail can do, in a browser.

They stand on the same foundation as the public pages (`web`) and go through the same intake as
everything else. Who comes here has signed in by a link that was mailed to an address of the
configuration; nobody becomes an organiser by being first.
"""
