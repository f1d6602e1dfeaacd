"""The dashboard for people: ``routes`` reads, ``charts`` draws, ``rendering`` fills the templates.

Pages are whole without scripts. The one script that there is fetches the page anew when counts change.
"""
