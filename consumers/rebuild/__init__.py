"""The view in Redis made anew from the scored topic, beside the live one, which serves until its place is taken.

``rebuild``   the whole of it, and what is done about one that was cut short
``replay``    the topic into the shadow view, by the script that counts the live one
``swap``      and its Lua script put the shadow in the live view's place
"""
