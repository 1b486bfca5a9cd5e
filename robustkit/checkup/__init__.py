"""What this machine and this installation can do: plug-ins that each look at one part of it."""
