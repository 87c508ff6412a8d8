"""What pages ask about logging in."""

from django import template

from mutt_project.login import second_factor

register = template.Library()
register.simple_tag(second_factor.is_on, name="second_factor_is_on")
