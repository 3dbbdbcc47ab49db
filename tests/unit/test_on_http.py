"""What can be asked for with a request that waits for its answer."""

import pytest

from nbfaas import DeliveryPolicy, on
from nbfaas.errors import BadTrigger


@pytest.mark.parametrize(
    "option",
    [
        {"delivery": DeliveryPolicy()},
        {"on_success": "order.priced"},
        {"on_failure": "order.failed"},
        {"ordered_by": "$.data.path"},
        {"max_in_flight": 2},
    ],
)
def test_options_of_delivery_are_refused_where_nothing_is_delivered(option):
    (name,) = option
    with pytest.raises(BadTrigger, match=rf"on\.http: {name}=.*respond='async'"):
        on.http("POST", "/orders", **option)
    on.http("POST", "/orders", respond="async", **option)
