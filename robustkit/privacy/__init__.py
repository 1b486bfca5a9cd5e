"""What a folder would give away: plug-ins that each search for one kind of it."""
