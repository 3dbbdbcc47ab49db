"""From a deployed version to other machines: exported as a folder, tested there, deployed there."""
