"""What a login session is, without Flask and without Werkzeug.

`realm` is settled once, `visit` is one request of one realm, `sources` find the user, a `level`
keeps the login, `rules` say when it is over. A framework brings the ports of a `Visit`.
"""
