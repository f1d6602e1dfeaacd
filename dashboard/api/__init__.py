"""The versioned API: ``products`` lists and searches, ``product`` is about one, ``whole`` about all, ``changes`` is live."""
