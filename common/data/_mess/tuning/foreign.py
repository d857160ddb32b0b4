"""Foreign sentences of the tuning town: fourteen languages (see Languages).

Needs: ../grammar.py.
"""

from ..grammar import Languages

FOREIGN = Languages("""
de / Am Morgen|Jeden Abend|Im Winter|An diesem Tag|Nach dem Regen|Dann|Am Sonntag
|Wie immer / {v} die alte Bäckerin {o} {p}|{v} der Müller {o} {p}|{v} meine Großmutter {o} {p}
|{v} das Mädchen {o} {p}|{v} der Gärtner {o} {p}, weil es so schön ist
|{v} niemand {o} {p}, und alle wundern sich|{v} mein Bruder {o} {p} und geht danach nach Hause
|{v} die Lehrerin {o}, obwohl {p} viele Leute warten / trägt|sucht|findet|verkauft|zeichnet
|versteckt|zählt|bewundert|braucht|vergisst / einen Korb|die Äpfel|den Schlüssel|das Brötchen
|eine Tür|viele Vögel|ein kleines Boot|das letzte Buch / auf dem Markt|über der Brücke
|in der Küche|hinter dem Haus|am Fluss|neben der Schule|unter dem Dach / .

fr / Le matin,|Chaque soir,|En été,|Ce jour-là,|Après la pluie,|Puis|Le dimanche,
|Comme toujours, / la boulangère {v} {o} {p}|le vieux pêcheur {v} {o} {p}
|ma grand-mère {v} {o} {p}|l'élève {v} {o} {p} parce qu'il fait beau
|personne ne {v} {o} {p}, et tout le monde s'étonne
|mon frère {v} {o} {p} avant de rentrer chez lui
|la maîtresse {v} {o} pendant que les enfants jouent {p} / porte|cherche|trouve|vend|dessine|cache
|répare|préfère|oublie|regarde / un panier|les pommes|la clé|une fenêtre|le gâteau|des oiseaux
|un petit bateau|le dernier livre / au marché|près du pont|dans la forêt|derrière la maison
|à côté du café|sous le toit|devant l'école / .

es / Por la mañana|Cada noche|En otoño|Aquel día|Después de la lluvia|Luego|El domingo
|Como siempre / la panadera {v} {o} {p}|el niño {v} {o} {p}|mi abuela {v} {o} {p}
|el señor Muñoz {v} {o} {p} porque hace sol|nadie {v} {o} {p}, y todos están sorprendidos
|mi hermano {v} {o} {p} antes de volver a casa
|la maestra {v} {o} mientras los niños juegan {p} / lleva|busca|encuentra|vende|dibuja|esconde
|cuenta|enseña|olvida|mira / una cesta|las manzanas|la llave|el pañuelo|una canción|los pájaros
|un barco pequeño|el último libro / en el mercado|junto al río|en la montaña|detrás de la casa
|en el jardín|bajo el techo|cerca de la escuela / .

it / La mattina|Ogni sera|In inverno|Quel giorno|Dopo la pioggia|Poi|La domenica
|Come sempre / la fornaia {v} {o} {p}|il vecchio pescatore {v} {o} {p}|mia nonna {v} {o} {p}
|il bambino {v} {o} {p} perché c'è il sole|nessuno {v} {o} {p}, e tutti si meravigliano
|mio fratello {v} {o} {p} prima di tornare a casa
|la maestra {v} {o} mentre i ragazzi giocano {p} / porta|cerca|trova|vende|disegna|nasconde|conta
|guarda|dimentica|ripara / un cesto|le mele|la chiave|il fazzoletto|una canzone|gli uccelli
|una piccola barca|l'ultimo libro / al mercato|vicino al ponte|nel bosco|dietro la casa
|nel giardino|sotto il tetto|davanti alla scuola / .

nl / In de ochtend|Elke avond|In de winter|Op die dag|Na de regen|Dan|Op zondag
|Zoals altijd / {v} de oude bakker {o} {p}|{v} het meisje {o} {p}|{v} mijn grootmoeder {o} {p}
|{v} de tuinman {o} {p}, omdat het zo mooi is|{v} niemand {o} {p}, en iedereen is verbaasd
|{v} mijn broer {o} {p} voordat hij naar huis gaat
|{v} de juf {o} terwijl de kinderen {p} spelen / draagt|zoekt|vindt|verkoopt|tekent|verstopt|telt
|bewondert|vergeet|bekijkt / een mand|de appels|de sleutel|het broodje|een deur|veel vogels
|een klein bootje|het laatste boek / op de markt|bij de brug|in de keuken|achter het huis
|aan de rivier|onder het dak|naast de school / .

pt / De manhã|Todas as noites|No inverno|Naquele dia|Depois da chuva|Então|No domingo
|Como sempre / a padeira {v} {o} {p}|o velho pescador {v} {o} {p}|minha avó {v} {o} {p}
|o menino {v} {o} {p} porque faz sol|ninguém {v} {o} {p}, e todos ficam surpresos
|meu irmão {v} {o} {p} antes de voltar para casa
|a professora {v} {o} enquanto as crianças brincam {p} / leva|procura|encontra|vende|desenha
|esconde|conta|conserta|esquece|olha / uma cesta|as maçãs|a chave|o lenço|uma canção|os pássaros
|um barco pequeno|o último livro / no mercado|perto da ponte|na floresta|atrás da casa|no jardim
|debaixo do telhado|em frente à escola / .

pl / Rano|Każdego wieczoru|Zimą|Tego dnia|Po deszczu|Potem|W niedzielę
|Jak zawsze / stara piekarka {v} {o} {p}|młynarz {v} {o} {p}|moja babcia {v} {o} {p}
|dziewczynka {v} {o} {p}, bo jest tak pięknie|nikt nie {v} niczego {p}, i wszyscy się dziwią
|mój brat {v} {o} {p}, zanim wróci do domu
|nauczycielka {v} {o}, kiedy dzieci bawią się {p} / niesie|znajduje|sprzedaje|rysuje|chowa|liczy
|podziwia|naprawia|ogląda / koszyk|jabłka|klucz|bułkę|drzwi|ptaki|małą łódkę
|ostatnią książkę / na rynku|przy moście|w kuchni|za domem|nad rzeką|pod dachem|obok szkoły / .

sv / På morgonen|Varje kväll|På vintern|Den dagen|Efter regnet|Sedan|På söndagen
|Som alltid / {v} den gamla bagaren {o} {p}|{v} flickan {o} {p}|{v} min mormor {o} {p}
|{v} trädgårdsmästaren {o} {p} eftersom det är så vackert
|{v} ingen {o} {p}, och alla blir förvånade|{v} min bror {o} {p} innan han går hem
|{v} läraren {o} medan barnen leker {p} / bär|söker|hittar|säljer|ritar|gömmer|räknar|beundrar
|glömmer|lagar / en korg|äpplena|nyckeln|brödet|en dörr|många fåglar|en liten båt
|den sista boken / på torget|vid bron|i köket|bakom huset|vid ån|under taket|bredvid skolan / .

ru / Утром|Каждый вечер|Зимой|В тот день|После дождя|Потом|В воскресенье
|Как всегда / старая пекарша {v} {o} {p}|мельник {v} {o} {p}|моя бабушка {v} {o} {p}
|девочка {v} {o} {p}, потому что светит солнце|никто не {v} {o} {p}, и все удивляются
|мой брат {v} {o} {p}, а потом идёт домой|учительница {v} {o}, пока дети играют {p} / несёт|ищет
|находит|продаёт|рисует|прячет|считает|чинит|забывает|видит / корзину|яблоки|ключ|булочку|дверь
|птиц|маленькую лодку|последнюю книгу / на рынке|у моста|на кухне|за домом|у реки|под крышей
|рядом со школой / .

el / Το πρωί|Κάθε βράδυ|Τον χειμώνα|Εκείνη τη μέρα|Μετά τη βροχή|Ύστερα|Την Κυριακή
|Όπως πάντα / η γριά φουρνάρισσα {v} {o} {p}|ο ψαράς {v} {o} {p}|η γιαγιά μου {v} {o} {p}
|το κορίτσι {v} {o} {p}, γιατί έχει ήλιο|κανείς δεν {v} {o} {p}, και όλοι απορούν
|ο αδελφός μου {v} {o} {p} πριν γυρίσει στο σπίτι
|η δασκάλα {v} {o}, ενώ τα παιδιά παίζουν {p} / κρατάει|ψάχνει|βρίσκει|πουλάει|ζωγραφίζει|κρύβει
|μετράει|θαυμάζει|ξεχνάει / ένα καλάθι|τα μήλα|το κλειδί|το ψωμί|μια πόρτα|πολλά πουλιά
|μια μικρή βάρκα|το τελευταίο βιβλίο / στην αγορά|κοντά στη γέφυρα|στην κουζίνα|πίσω από το σπίτι
|στο ποτάμι|δίπλα στο σχολείο / .

ar / في الصباح|كل مساء|في الشتاء|في ذلك اليوم|بعد المطر|ثم|يوم الأحد
|كالعادة / {v} الخباز العجوز {o} {p}|{v} الصياد {o} {p}|{v} جدي {o} {p}
|{v} الولد {o} {p} لأن الشمس مشرقة|{v} أخي {o} {p} قبل أن يعود إلى البيت
|{v} المعلم {o} بينما يلعب الأطفال {p}|{v} جارنا {o} {p} ولا أحد يعرف لماذا / يحمل|يبحث عن|يجد
|يبيع|يرسم|يخفي|يعد|ينسى|يصلح|يرى / سلة|التفاح|المفتاح|الخبز|الباب|الطيور|قارب صغير
|الكتاب الأخير / في السوق|قرب الجسر|في المطبخ|خلف البيت|عند النهر|تحت السقف|بجانب المدرسة / .

hi / सुबह|हर शाम|सर्दियों में|उस दिन|बारिश के बाद|फिर|रविवार को
|हमेशा की तरह / बूढ़ा बेकर {p} {o} {v}|मछुआरा {p} {o} {v}|मेरा दादा {p} {o} {v}
|लड़का {p} {o} {v} क्योंकि धूप है|कोई भी {p} {o} नहीं {v} और सब हैरान हैं
|मेरा भाई {p} {o} {v} और फिर घर जाता है|जब बच्चे खेलते हैं तब शिक्षक {p} {o} {v} / खोजता है
|पाता है|बेचता है|बनाता है|छिपाता है|गिनता है|भूलता है|देखता है|लाता है / एक टोकरी|सेब|चाबी|रोटी
|दरवाज़ा|बहुत से पक्षी|एक छोटी नाव|आख़िरी किताब / बाज़ार में|पुल के पास|रसोई में|घर के पीछे|नदी पर
|छत के नीचे|स्कूल के पास / ।

zh / 早上|每天晚上|冬天|那一天|下雨之后|然后|星期天
|像往常一样 / ，老面包师{p}{v}{o}|，渔夫{p}{v}{o}
|，我的奶奶{p}{v}{o}|，因为天气很好，女孩{p}{v}{o}
|，没有人{p}{v}{o}，大家都很惊讶|，我的哥哥{p}{v}{o}，然后回家
|，孩子们在玩的时候，老师{p}{v}{o} / 寻找|找到了|卖掉了|画了|藏起了|数着
|忘记了|看见了|修好了 / 一个篮子|那些苹果|钥匙|面包|一扇门|很多鸟|一条小船
|最后一本书 / 在市场上|在桥边|在厨房里|在房子后面|在河边|在屋顶下|在学校旁边 / 。

ja / 朝、|毎晩、|冬には、|その日、|雨のあと、|それから、|日曜日に、
|いつものように、 / 年をとったパン屋は{p}{o}を{v}|漁師は{p}{o}を{v}
|私の祖母は{p}{o}を{v}|天気がいいので、女の子は{p}{o}を{v}
|兄は{p}{o}を{v}が、誰も気がつかない
|子どもたちが遊んでいるあいだに、先生は{p}{o}を{v}
|{p}{o}を{v}のは父だけだ / 探している|見つけた|売っている|描いている|隠した
|数える|忘れた|見ている|直した / かご|りんご|鍵|パン|ドア|たくさんの鳥|小さな船
|最後の本 / 市場で|橋のそばで|台所で|家のうしろで|川で|屋根の下で
|学校のとなりで / 。
""")
