"""What is kept on disk: folders, settings, the mood journal, small files."""
