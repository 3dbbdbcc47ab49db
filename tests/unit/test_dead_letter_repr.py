"""A dead letter, as it is shown in a cell."""

from nbfaas.model.delivery import DeadLetter, DeliveryAttempt


def test_a_dead_letter_is_shown_in_one_line_with_its_last_error():
    attempts = tuple(
        DeliveryAttempt(n, n, "failed", 0.0, 1.0, None, None, 0.1, error)
        for n, error in enumerate(["OSError: first", "ValueError: last"], start=1)
    )
    event = {"type": "order.created", "id": "7"}
    letter = DeadLetter(
        3, "price-event", "function:price", "2 attempts failed", 0.0, 1.0, event, attempts
    )
    assert repr(letter) == (
        "<DeadLetter 3 of price-event: order.created 7, 2 attempts failed: ValueError: last>"
    )
    aged = DeadLetter(4, "price-event", "function:price", "it is too old", 0.0, 1.0, event)
    assert repr(aged) == "<DeadLetter 4 of price-event: order.created 7, it is too old>"
