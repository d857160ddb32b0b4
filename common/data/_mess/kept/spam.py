"""Spam of the kept town: other trades, other tricks. No filter was tuned on this file.

Needs: ../grammar.py.
"""

from ..grammar import Grammar

# Goods and promises.
TRADES = {
    "followers": (
        "followers|backlinks|five-star reviews|page views|subscribers|likes|search rankings",
        "your profile climbs to the first page|the numbers never drop again"
        "|even small accounts look famous|the algorithm picks you up within hours",
    ),
    "fortune": (
        "tarot readings|horoscopes|love spells|lucky charms|dream readings|psychic chats",
        "your lost love returns in three days|the stars answer every question"
        "|bad luck leaves the house|she knew my name before I said it",
    ),
    "essays": (
        "essays|term papers|homework solutions|dissertations|book reports|application letters",
        "professors never notice|top marks are certain|you sleep while our writers type"
        "|every paper passes the plagiarism check",
    ),
    "mattresses": (
        "mattresses|air coolers|robot vacuums|garden sheds|solar lamps|water filters|hearing aids",
        "your back pain is history|the electricity bill shrinks to almost nothing"
        "|installation takes five minutes|the whole street will want one",
    ),
    "travel": (
        "cruise vouchers|timeshares|hotel passes|last-minute flights|holiday raffles|visa services",
        "you fly first class for the fare of a bus|breakfast and spa are included"
        "|cancellation costs nothing|the sea view is yours for life",
    ),
    "dating": (
        "singles in your area|chat partners|webcam dates|mature contacts|blind dates",
        "someone is waiting for your message|nobody stays lonely for long"
        "|your first chat is on us|profiles are checked by hand",
    ),
}
_SENTENCES = """
ATTENTION: {goods} at prices you have not seen before.
|struggling to find reliable {goods}? look no further.
|our team delivers {goods} in record time, and {promise}.
|in this article you will learn why {goods} matter.
|many people ask where to get {goods}; the answer is on this page.
|tap the button to start your free trial of {goods}.|{promise}. try it and see for yourself.
|only {n} places remain for this month's {goods}.
|whether you are a beginner or a professional, our {goods} suit everyone.
|use voucher {code} and pay {n} percent less.
|we have served more than {n}000 clients in {n} countries.
|get a quote in seconds, with no obligation whatsoever.
|join {n}000 others who switched to our {goods}.
|premium {goods}, wholesale rates, instant delivery.
|let us be honest, {goods} elsewhere are a rip-off.
|choose the silver, gold or platinum package of {goods}.
|payment in instalments is possible, even from {n} a week.
|we accept all major cards, gift vouchers and bitcoin.
|message us on any messenger to reserve your {goods}.
|{person} was sceptical at first, then {promise}.
|"{promise}," says {person}, a client since spring.
|this deal is reserved for readers of this page.
|clearance: the last {goods} of the season, up to {n} percent reduced.
|refer a buddy and both of you pocket {n} dollars.
|in conclusion, {goods} are the smartest purchase you can make.
|what makes our {goods} different from the rest?
|the secret lies in the {quality} quality of our {goods}.|guaranteed results or a full refund.
|your competitors already use {goods}.|claim the welcome bonus for new members before it expires.
|{goods} near me, {goods} cheap, {goods} online, {goods} reviews.
|top ten {goods} of the year: number one will shock you.
|you pay {n} dollars once, no hidden costs.
|the timer on this page does not lie: {n} minutes remain.
|hand-picked, {quality}, fully insured: that is how we treat {goods}.
|grab yours before somebody else does.|dear friend, I write to you in confidence about {goods}.
|a late {relation} of mine left {n} million, and I need your help.|swipe up, log in, cash out.
|earn commission on all {goods} that you promote.
|we beat any written offer for {goods} by {n} percent.
|type your phone number and we ring back within minutes.
|pre-order the next batch of {goods} at the old rate.
|hundreds of testimonials cannot be wrong: {promise}.
|limited edition {goods}, numbered, with certificate.
|stop scrolling, your {goods} are ready for collection.
|{person} paid {n} dollars elsewhere and regrets it.
|bookmark this site for weekly bargains on {goods}."""
_SLOTS = {
    "code": "WELCOME{n}|SPRING|BONUS{n}|HAPPY{n}",
    "person": "Angela from the coast|Mr Dawson|a retired pilot|Chloe, 34|our client Marcus|a nurse",
    "quality": "superior|handmade|five-star|unrivalled|German|laboratory-tested",
    "relation": "client|king|aunt|general|banker",
}
ADVERTS = Grammar(_SENTENCES, _SLOTS)
