"""Spam of the tuning town: six trades and the sentences in which they all advertise.

Needs: ../grammar.py.
"""

from ..grammar import Grammar

# Goods and promises.
TRADES = {
    "watches": (
        "watches|designer handbags|gold bracelets|leather purses|sunglasses|luxury clocks"
        "|diamond rings|silk scarves|brand wallets",
        "nobody can tell them from the real thing|each one comes in a velvet box"
        "|the gold never fades|your neighbours will turn their heads|the stitching is perfect",
    ),
    "pills": (
        "slimming pills|miracle drops|herbal capsules|hair tonic|sleeping tablets|vitamin gum"
        "|muscle powder|anti-wrinkle cream|detox tea",
        "the fat melts while you sleep|doctors do not want you to know|no diet is needed"
        "|you lose ten pounds a week|your skin looks twenty years younger|no prescription is asked",
    ),
    "loans": (
        "instant loans|cash advances|cheap mortgages|credit cards|debt relief plans|payday credit"
        "|insurance policies|refinancing",
        "the money arrives in ten minutes|bad credit is no problem|nobody asks what it is for"
        "|the bank says yes to everyone|your monthly rate is cut in half|no papers are required",
    ),
    "casino": (
        "casino chips|free spins|lottery tickets|poker bonuses|slot machines|betting tips"
        "|bingo rooms|jackpot games",
        "the jackpot has never been higher|every second player wins|your first bet is on the house"
        "|the machine pays out daily|winners are paid the same day|you cannot lose",
    ),
    "diplomas": (
        "university diplomas|master degrees|driving licences|certificates|online courses"
        "|exam answers|language lessons|honorary titles",
        "no exam is needed|the stamp looks genuine|employers never ask twice"
        "|you graduate within a week|your salary doubles|no teacher will bother you",
    ),
    "coins": (
        "crypto coins|trading robots|gold shares|investment plans|token packages|mining contracts"
        "|forex signals|penny stocks",
        "your money doubles every month|the robot never sleeps|early members are already rich"
        "|the rate can only go up|profits are guaranteed|you can cash out at any hour",
    ),
}
_SENTENCES = """
click here to buy {adj} {goods} {when}!|order {when} and get {goods} for only {price}.
|our {goods} are {adj}, and {promise}.|why pay more? {adj} {goods} start at {price}.
|{promise}, or we give your money back.|thousands of happy customers already {love} our {goods}.
|visit our shop {when} and save {n} percent on all {goods}.
|this offer ends {deadline}, so do not wait.|limited stock: only {n} {goods} are left.
|free shipping on every order above {price}.
|use the code {code} at the checkout for {n} percent off.
|my {relative} earns {n} dollars a day with {goods}, and so can you.
|are you tired of paying too much for {goods}?|you have been selected to receive {adj} {goods}.
|congratulations, you are visitor number {n} and may claim your prize {when}.
|no credit card is needed to try our {goods}.
|{relative} of mine lost all hope until these {goods} came.
|I never believed in {goods} before, but {promise}.|sign up {when}, it takes less than a minute.
|just enter your e-mail address and the {goods} are yours.|{promise}: this is not a joke.
|compare our prices with any other seller of {goods}.
|we are the number one store for {adj} {goods}.
|subscribe to our newsletter and receive a {adj} gift.|as seen on television: {adj} {goods}!
|get rich at home with {adj} {goods} and no experience.
|send this page to ten friends and win {goods}.|call our hotline {when}, operators are waiting.
|rated five stars by {n} verified buyers.
|the best {goods} on the whole web, delivered to your door.|what are you waiting for? {promise}.
|buy one, get one free on {goods} until {deadline}.
|big brands hate us because our {goods} are so {adj}.
|one weird trick gives you {adj} {goods} for free.|download the free catalogue of {goods} {when}.
|only members may order {goods} at {price}, join {when}.
|no risk, no contract: cancel whenever you like.|pay for {goods} by card, transfer or voucher.
|lowest price guaranteed on {goods}, {goods} and {goods}.|trusted by {n} families since last year.
|act fast, {goods} at {price} sell out within hours.
|read what {name} wrote to us: "I bought {goods} and {promise}!"
|{name} from the next town saved {n} dollars.|experts agree that {goods} like ours are {adj}.
|add the {goods} to your basket and pay later.|unlock your secret discount on {goods} below.
|today's deal: {goods} with {n} percent off.|ask about our {adj} bundle of {goods} and {goods}.
|resellers welcome, wholesale {goods} from {price}.
|our support team answers day and night in any language.|do not tell anyone, but {promise}.
|a better life begins with {adj} {goods}.|{goods} make the perfect present for your {relative}.
|hurry, the discount on {goods} is gone {deadline}.|you deserve {adj} {goods}, and {promise}.
|everything must go: {goods} down from {n} dollars to {price}.
|reply STOP if you do not want {goods}.|win a weekend trip when you order {goods} {when}.
|best {goods} online, {adj} and cheap.|hot deals on {goods}: {promise}.
|the secret of the rich is {adj} {goods}.|make money fast with our {adj} {goods}.
|special price for new customers: {goods} at {price}.
|follow the link in this box to see all {goods}.|we ship {goods} worldwide in plain parcels.
|{goods}, {goods}, {goods}: all in one place.|with our {goods}, {promise} and {promise}.
|for years I bought {goods} in the village, and for years I paid too much.
|last winter my {relative} showed me this shop, and since then {promise}.
|how do we keep our {goods} so {adj}? we buy them by the shipload and sell them from a warehouse.
|there is no catch: {promise}, and you pay nothing until the spring.
|you will not find {goods} like these in any market hall.
|a recent study of {n} households found that {promise}.
|people write to us every day to say that {promise}.
|the first {n} readers who write to us get the {goods} as a present.
|if you have ever dreamed of {adj} {goods}, this is your moment.
|it took us {n} years to make {goods} as {adj} as this.
|put {goods} on your wish list and we remind you when the price drops.
|with a yearly membership of {price} you get {goods} whenever you like.
|banks, doctors and film stars have been using {goods} for years, only nobody told you.
|fill in the form below and one of our advisers will call you about {goods}.
|the price of {goods} goes up {deadline}, that is a fact.
|stock up on {goods} {when} and be ready for the holidays.
|I was {n} years old when I ordered my first {goods}, and {promise}.
|do you know what your friends pay for {goods}? you pay half.
|our {goods} come with a lifetime warranty and a smile.
|no shop in town can match this: {goods} for {price}.
|send us a picture of your old {goods} and get {n} dollars for it.
|reach thousands of buyers: sell our {goods} from your own kitchen.
|on our site you find {goods} for men, women, children and pets.
|some say that {goods} cannot be {adj} and cheap at once; we prove them wrong.
|because you are a valued customer, we have put aside {n} {goods} in your name.
|your parcel with {goods} could not be delivered, confirm your address {when}.
|your account wins {n} points with every purchase of {goods}.
|winner of the golden star for {goods} three times in a row.
|forget everything that you know about {goods}.
|we do not sell {goods}, we sell a feeling, and {promise}.
|as a reader of this page you get {n} percent off {goods}, and another {n} percent {deadline}.
|from the maker of the famous {goods} comes something even more {adj}.
|say goodbye to worries, say hello to {adj} {goods}.
|a coupon for {goods} is hidden somewhere in this text, can you find it?
|my wallet was empty, my {relative} was sad, and then I found these {goods}.
|your first order of {goods} is half price and the second one is a gift.
|every {relative} wants {goods}, but only a few know where to get them for {price}.
|you only have to say yes, we do the rest, and {promise}.
|thanks to a mistake of our supplier we can offer {goods} at {price}.
|shoppers who viewed {goods} also bought {goods} and {goods}.
|the warehouse closes {deadline} and all {goods} must leave.
|in times like these everybody needs {adj} {goods}.|we pay the postage, you enjoy the {goods}.
|{goods} without waiting, without questions, without paperwork.|earn while you sleep: {promise}.
|let your money work for you with {adj} {goods}."""
_SLOTS = {
    "adj": "cheap|genuine|exclusive|top quality|amazing|certified|brand new|unbeatable|affordable"
    "|premium|discounted|revolutionary|risk-free|award-winning|fresh from the factory",
    "when": "now|today|right now|tonight|before midnight|while stocks last|this very minute"
    "|without delay|from your phone|in our online shop|with one click",
    "deadline": "at midnight|on Sunday|in {n} minutes|tomorrow|when the timer stops|this week",
    "price": "{n} dollars|{n} cents a day|$ {n}.99|half the price|{n} dollars a month|{n} coins",
    "love": "love|trust|recommend|order|swear by|cannot live without",
    "relative": "cousin|sister|boss|uncle|neighbour|best friend|grandmother|brother|flatmate",
    "code": "SAVE{n}|LUCKY{n}|VIP{n}|GOLD|SUMMER{n}|FRIEND",
    "name": "Linda|Robert|Mrs Parker|Kevin|a grateful father|Susan B.|Dr Long",
}
ADVERTS = Grammar(_SENTENCES, _SLOTS)
