"""An evaluation as one HTML page that needs nothing but itself: no network, no fonts, no libraries."""

from agent.evaluation.page.render import is_page, render

__all__ = ["is_page", "render"]
