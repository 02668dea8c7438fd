"""The settings of pages; `streams.conf.Settings` inherits them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PageSettings:
    """A part of `streams.conf.Settings`: the comment above each name is its entry in
    the reference.
    """

    # Pages
    #: The template that every page extends: your site's own, with blocks `title`, `head` (inside
    #: `<head>`) and `content`.
    base_template: str = "streams/base.html"
    #: The name at the top of the list and in the title of each page.
    brand: str = "chatstream"
    #: Messages a conversation's page opens with; earlier ones come by scrolling up. 0: all.
    page_messages: int = 100
    #: Conversations on one page of the list.
    page_size: int = 50
    #: Seconds of CPU for the formatting of one page, or of one `POST /render`; the rest is shown
    #: as plain text.
    render_seconds: float = 1.5
    #: The site's page that signs out, by name or address; it takes a POST. Empty, or where there
    #: is none of that name: ours show no button for it.
    sign_out_url: str = "logout"
    #: The site's page for a new password, likewise.
    password_url: str = "password_change"

    #: Hosts whose images in answers can be shown in place, by `https` and when somebody presses
    #: "Show image": `["images.example.com"]`, each by its whole name. An image's address can
    #: carry out what a model was told, so name none that anybody may read the requests of. All
    #: others stay links. The project's Content-Security-Policy lets these in; one of your own has
    #: to, as `img-src`.
    image_hosts: Sequence[str] = field(default_factory=list)

    # Sharing
    #: Whether people may make links that show a copy of a conversation to anybody. Turned off,
    #: links made before show nothing either.
    share_links: bool = True
