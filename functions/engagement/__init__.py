"""From an event to an interaction, an engagement score and a live Personalize event."""
