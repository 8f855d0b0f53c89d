"""Links that open a study of this box in a viewer on somebody's computer."""
