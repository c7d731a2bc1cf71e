"""To be told of notices by mail: ask, confirm through the link that was sent, leave by one press.

Nothing here acts for a session, so nothing carries a CSRF cookie: what a link may do is signed into it, and a mail
program leaves with a POST of its own (RFC 8058).
"""

from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from . import senders
from .forms import SubscribeForm
from .models import Counter, Subscriber, Subscription
from .models.subscribing import A_DAY, CONFIRM_WITHIN

FLOOD = 60  # from one network in five minutes
TOO_MANY = _("从您所在的网络短时间内提交了很多订阅，这次没有收下。请过几分钟再点一次“订阅”，填写的内容都还在。")


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def subscribe(request):
    """The form, filled in from the filters of the list where the address has them; a good post answers 303."""
    if request.method != "POST":
        return render(request, "notices/subscribe.html", {"form": SubscribeForm(initial=request.GET.dict())})
    form, now = SubscribeForm(request.POST), timezone.now()
    if form.is_valid() and _is_flood(request, now):
        form.add_error(None, TOO_MANY)
    if not form.is_valid():
        return render(request, "notices/subscribe.html", {"form": form}, status=422)
    Subscriber.objects.ask(form.cleaned_data["email"], at=now, **form.topic())
    return HttpResponseRedirect(reverse("notices:subscribe-sent"), status=303)


def _is_flood(request, now) -> bool:
    address = request.META.get("REMOTE_ADDR", "")
    count = Counter.objects.hit(*senders.place("subscribe", address, now))
    return count > FLOOD and senders.names_somebody(address)


@require_safe
def sent(request):
    """The same for every address, known or not."""
    return _step(request, "sent", days=CONFIRM_WITHIN.days, most=A_DAY)


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request, token):
    """A button, because mail programs open links by themselves; pressing it confirms."""
    subscription = Subscription.objects.by_token(token)
    if not subscription:
        return _step(request, "gone", status=410)
    if request.method == "POST":
        subscription.confirm()
    step = "confirmed" if subscription.confirmed_at else "confirm"
    return _step(request, step, subscription=subscription)


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request, token):
    """A button, too; whoever posts – a person or a mail program – is gone at once, and once gone stays gone."""
    subscriber = Subscriber.objects.by_token(token)
    if subscriber and request.method == "POST":
        subscriber.delete()
        subscriber = None
    return _step(request, "leave" if subscriber else "left")


def _step(request, step: str, status: int = 200, **context):
    return render(request, "notices/subscription.html", {"step": step, **context}, status=status)
