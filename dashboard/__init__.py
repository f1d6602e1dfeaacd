"""What people read over the counts in Redis: an API and the pages of a dashboard, in one process that only reads.

``counts``     one product, read when it is asked for; ``index`` the days of all products, kept in memory;
               ``watch`` notices what changed and tells who listens
``text_rank``  what many texts say, in a few of their own words; ``phrases`` of a product's strong negatives
``campaigns``, ``customers``, ``brand``  what these say over all products
``overview``   what all products say together; ``statistics`` whether a difference is more than noise
``access``     who may read; ``headers`` what a browser may run; ``problems`` how errors are told
``api``        versioned JSON, CSV and events; ``pages`` HTML
``app``        puts them together
"""
