"""Alerts: a product's customers are suddenly unhappier than usual, and somebody is told, once.

``counts``     reviews and strong negatives of every product by day, from Redis
``judge``      which products are above their usual share by more than chance, with the looks and products counted in
``incidents``  what was alarmed about already, and who may look
``outbox``     what has yet to be sent; ``webhook`` sends it, signed
``message``    what is said
``watch``      the process that does all that; ``dry_run`` says what would have been alarmed about
"""
