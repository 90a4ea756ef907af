"""Last quarter's feature job. The model trained on it looked brilliant until it met live traffic."""

import numpy as np
import pandas as pd

WINDOW = 7 * 86_400


def build(events, labels):
    """Features for every label, in the order of the labels.

    events: {"account", "event_id", "version", "event_time", "ingest_time": int64 arrays, "amount": float64 array}
    labels: {"account", "time": int64 arrays}
    returns {"count", "total", "last_amount", "age": one number per label}
    """
    e = pd.DataFrame(events).drop_duplicates("event_id", keep="last").dropna()
    e = e.sort_values("event_time")
    q = pd.DataFrame(labels).reset_index(names="label").sort_values("time")

    last = pd.merge_asof(q, e, left_on="time", right_on="event_time", by="account")
    last = last.set_index("label").sort_index()

    pairs = q.merge(e, on="account")
    pairs = pairs[(pairs["event_time"] <= pairs["time"]) & (pairs["event_time"] > pairs["time"] - WINDOW)]
    window = pairs.groupby("label")["amount"].agg(["count", "sum"]).reindex(last.index, fill_value=0)

    return {
        "count": window["count"].to_numpy(float),
        "total": window["sum"].to_numpy(float),
        "last_amount": last["amount"].to_numpy(float),
        "age": (last["time"] - last["event_time"]).to_numpy(float),
    }
