"""Sentences in many languages, written for the tests of language identification."""

SENTENCES = {
    "en": """
The train was late again, so we drank a second cup of coffee at the station.
My neighbour grows tomatoes on her balcony and sells them on Fridays.
Has anybody seen the keys to the red bicycle?
She could not remember where she had parked.
""",
    "de": """
Der Zug hatte wieder Verspätung, deshalb tranken wir am Bahnhof noch einen Kaffee.
Meine Nachbarin züchtet Tomaten auf dem Balkon und verkauft sie freitags.
Hat jemand den Schlüssel für das rote Fahrrad gesehen?
Sie wusste nicht mehr, wo sie geparkt hatte.
""",
    "fr": """
Le train était encore en retard, alors nous avons bu un deuxième café à la gare.
Ma voisine cultive des tomates sur son balcon et les vend le vendredi.
Quelqu'un a-t-il vu les clés du vélo rouge ?
Elle ne savait plus où elle s'était garée.
""",
    "es": """
El tren llegaba otra vez con retraso y tomamos un segundo café en la estación.
Mi vecina cultiva tomates en el balcón y los vende los viernes.
¿Alguien ha visto las llaves de la bicicleta roja?
No se acordaba de dónde había aparcado.
""",
    "pt": """
O comboio atrasou-se outra vez, por isso bebemos um segundo café na estação.
A minha vizinha cultiva tomates na varanda e vende-os às sextas-feiras.
Alguém viu as chaves da bicicleta vermelha?
Ela não se lembrava de onde tinha estacionado.
""",
    "it": """
Il treno era di nuovo in ritardo, così abbiamo bevuto un secondo caffè alla stazione.
La mia vicina coltiva pomodori sul balcone e li vende il venerdì.
Qualcuno ha visto le chiavi della bicicletta rossa?
Non si ricordava più dove aveva parcheggiato.
""",
    "ca": """
El tren tornava a anar tard i vam prendre un segon cafè a l'estació.
La meva veïna conrea tomàquets al balcó i els ven els divendres.
Algú ha vist les claus de la bicicleta vermella?
No recordava on havia deixat el cotxe.
""",
    "ro": """
Trenul a întârziat din nou, așa că am mai băut o cafea la gară.
Vecina mea crește roșii pe balcon și le vinde vinerea.
A văzut cineva cheile de la bicicleta roșie?
Nu-și mai amintea unde parcase mașina.
""",
    "nl": """
De trein had weer vertraging, dus dronken we op het station nog een kop koffie.
Mijn buurvrouw kweekt tomaten op haar balkon en verkoopt ze op vrijdag.
Heeft iemand de sleutels van de rode fiets gezien?
Ze wist niet meer waar ze geparkeerd had.
""",
    "sv": """
Tåget var försenat igen, så vi drack en kopp kaffe till på stationen.
Min granne odlar tomater på balkongen och säljer dem på fredagar.
Har någon sett nycklarna till den röda cykeln?
Hon mindes inte var hon hade parkerat.
""",
    "da": """
Toget var forsinket igen, så vi drak en kop kaffe mere på stationen.
Min nabo dyrker tomater på sin altan og sælger dem om fredagen.
Er der nogen, der har set nøglerne til den røde cykel?
Hun kunne ikke huske, hvor hun havde parkeret.
""",
    "no": """
Toget var forsinket igjen, så vi drakk en kopp kaffe til på stasjonen.
Naboen min dyrker tomater på balkongen og selger dem på fredager.
Er det noen som har sett nøklene til den røde sykkelen?
Hun husket ikke hvor hun hadde parkert.
""",
    "is": """
Lestin var aftur of sein, svo við drukkum annan kaffibolla á stöðinni.
Nágranni minn ræktar tómata á svölunum og selur þá á föstudögum.
Hefur einhver séð lyklana að rauða hjólinu?
Hún mundi ekki hvar hún hafði lagt bílnum.
""",
    "fi": """
Juna oli taas myöhässä, joten joimme asemalla toisen kupin kahvia.
Naapurini kasvattaa parvekkeellaan tomaatteja ja myy niitä perjantaisin.
Onko kukaan nähnyt punaisen polkupyörän avaimia?
Hän ei muistanut, mihin oli pysäköinyt.
""",
    "et": """
Rong jäi jälle hiljaks, nii et jõime jaamas veel ühe tassi kohvi.
Minu naaber kasvatab rõdul tomateid ja müüb neid reedeti.
Kas keegi on näinud punase jalgratta võtmeid?
Ta ei mäletanud, kuhu ta oli parkinud.
""",
    "hu": """
A vonat megint késett, ezért ittunk még egy kávét az állomáson.
A szomszédom paradicsomot termeszt az erkélyen, és pénteken eladja.
Látta valaki a piros bicikli kulcsait?
Nem emlékezett rá, hol parkolt le.
""",
    "pl": """
Pociąg znowu się spóźnił, więc wypiliśmy na dworcu drugą kawę.
Moja sąsiadka hoduje pomidory na balkonie i sprzedaje je w piątki.
Czy ktoś widział klucze do czerwonego roweru?
Nie pamiętała, gdzie zaparkowała.
""",
    "cs": """
Vlak měl zase zpoždění, a tak jsme si na nádraží dali druhou kávu.
Moje sousedka pěstuje na balkoně rajčata a v pátek je prodává.
Neviděl někdo klíče od červeného kola?
Nepamatovala si, kde zaparkovala.
""",
    "sk": """
Vlak opäť meškal, a tak sme si na stanici dali druhú kávu.
Moja suseda pestuje na balkóne paradajky a v piatok ich predáva.
Nevidel niekto kľúče od červeného bicykla?
Nepamätala si, kde zaparkovala.
""",
    "sl": """
Vlak je spet zamujal, zato smo na postaji spili še eno kavo.
Moja soseda goji paradižnik na balkonu in ga ob petkih prodaja.
Je kdo videl ključe rdečega kolesa?
Ni se več spomnila, kje je parkirala.
""",
    "hr": """
Vlak je opet kasnio, pa smo na kolodvoru popili još jednu kavu.
Moja susjeda uzgaja rajčice na balkonu i prodaje ih petkom.
Je li netko vidio ključeve crvenog bicikla?
Nije se sjećala gdje je parkirala.
""",
    "lt": """
Traukinys vėl vėlavo, todėl stotyje išgėrėme dar po puodelį kavos.
Mano kaimynė augina pomidorus balkone ir parduoda juos penktadieniais.
Ar kas nors matė raudono dviračio raktus?
Ji neprisiminė, kur pastatė automobilį.
""",
    "lv": """
Vilciens atkal kavējās, tāpēc stacijā izdzērām vēl vienu kafiju.
Mana kaimiņiene audzē tomātus uz balkona un piektdienās tos pārdod.
Vai kāds ir redzējis sarkanā velosipēda atslēgas?
Viņa neatcerējās, kur bija novietojusi mašīnu.
""",
    "tr": """
Tren yine gecikti, bu yüzden istasyonda ikinci bir kahve içtik.
Komşum balkonunda domates yetiştiriyor ve cuma günleri satıyor.
Kırmızı bisikletin anahtarlarını gören oldu mu?
Arabasını nereye park ettiğini hatırlamıyordu.
""",
    "id": """
Keretanya terlambat lagi, jadi kami minum kopi sekali lagi di stasiun.
Tetangga saya menanam tomat di balkon dan menjualnya setiap hari Jumat.
Apakah ada yang melihat kunci sepeda merah itu?
Dia tidak ingat di mana dia memarkir mobilnya.
""",
    "vi": """
Tàu lại đến muộn, nên chúng tôi uống thêm một cốc cà phê ở nhà ga.
Hàng xóm của tôi trồng cà chua trên ban công và bán chúng vào thứ sáu.
Có ai thấy chìa khóa của chiếc xe đạp màu đỏ không?
Cô ấy không nhớ mình đã đỗ xe ở đâu.
""",
    "sw": """
Treni ilichelewa tena, kwa hiyo tulikunywa kikombe cha pili cha kahawa kituoni.
Jirani yangu analima nyanya kwenye roshani yake na kuziuza siku ya Ijumaa.
Je, kuna mtu aliyeona funguo za baiskeli nyekundu?
Hakukumbuka alikoegesha gari lake.
""",
    "ru": """
Поезд снова опоздал, и мы выпили на вокзале ещё по чашке кофе.
Моя соседка выращивает на балконе помидоры и продаёт их по пятницам.
Кто-нибудь видел ключи от красного велосипеда?
Она не помнила, где оставила машину.
""",
    "uk": """
Потяг знову запізнився, тож ми випили на вокзалі ще по чашці кави.
Моя сусідка вирощує на балконі помідори й продає їх щоп'ятниці.
Чи хтось бачив ключі від червоного велосипеда?
Вона не пам'ятала, де залишила машину.
""",
    "bg": """
Влакът отново закъсня, затова изпихме още по едно кафе на гарата.
Съседката ми отглежда домати на балкона и ги продава в петък.
Виждал ли е някой ключовете за червения велосипед?
Тя не помнеше къде е оставила колата.
""",
    "sr": """
Воз је опет каснио, па смо на станици попили још једну кафу.
Моја комшиница гаји парадајз на балкону и продаје га петком.
Да ли је неко видео кључеве црвеног бицикла?
Није се сећала где је паркирала.
""",
    "el": """
Το τρένο άργησε πάλι, γι' αυτό ήπιαμε άλλον έναν καφέ στον σταθμό.
Η γειτόνισσά μου καλλιεργεί ντομάτες στο μπαλκόνι και τις πουλάει.
Είδε κανείς τα κλειδιά του κόκκινου ποδηλάτου;
Δεν θυμόταν πού είχε παρκάρει.
""",
    "ar": """
تأخر القطار مرة أخرى، فشربنا فنجانا ثانيا من القهوة في المحطة.
تزرع جارتي الطماطم على الشرفة وتبيعها يوم الجمعة.
هل رأى أحد مفاتيح الدراجة الحمراء؟
لم تتذكر أين تركت السيارة.
""",
    "fa": """
قطار باز هم دیر کرد، برای همین در ایستگاه یک قهوه دیگر خوردیم.
همسایه من در بالکن گوجه می‌کارد و جمعه‌ها آنها را می‌فروشد.
آیا کسی کلید دوچرخه قرمز را دیده است؟
یادش نبود ماشین را کجا گذاشته است.
""",
    "ur": """
گاڑی پھر دیر سے آئی، اس لیے ہم نے اسٹیشن پر ایک اور چائے پی۔
میری پڑوسن بالکونی میں ٹماٹر اگاتی ہے اور جمعے کو بیچتی ہے۔
کیا کسی نے لال سائیکل کی چابیاں دیکھی ہیں؟
اسے یاد نہیں تھا کہ گاڑی کہاں کھڑی کی تھی۔
""",
    "he": """
הרכבת שוב איחרה, אז שתינו עוד כוס קפה בתחנה.
השכנה שלי מגדלת עגבניות במרפסת ומוכרת אותן בימי שישי.
האם מישהו ראה את המפתחות של האופניים האדומים?
היא לא זכרה איפה היא חנתה.
""",
    "hi": """
गाड़ी फिर देर से आई, इसलिए हमने स्टेशन पर एक और चाय पी।
मेरी पड़ोसन बालकनी में टमाटर उगाती है और शुक्रवार को बेचती है।
क्या किसी ने लाल साइकिल की चाबियाँ देखी हैं?
उसे याद नहीं था कि उसने गाड़ी कहाँ खड़ी की थी।
""",
    "th": """
รถไฟมาสายอีกแล้ว เราจึงดื่มกาแฟอีกแก้วที่สถานี
เพื่อนบ้านของฉันปลูกมะเขือเทศที่ระเบียงและขายทุกวันศุกร์
มีใครเห็นกุญแจของจักรยานสีแดงไหม
เธอจำไม่ได้ว่าจอดรถไว้ที่ไหน
""",
    "zh": """
火车又晚点了，所以我们在车站又喝了一杯咖啡。
我的邻居在阳台上种西红柿，每个星期五拿去卖。
有人看见红色自行车的钥匙吗？
她想不起来把车停在哪里了。
""",
    "ja": """
電車がまた遅れたので、駅でもう一杯コーヒーを飲みました。
隣の人はベランダでトマトを育てて、金曜日に売っています。
赤い自転車の鍵を見た人はいますか。
彼女はどこに車を止めたか覚えていなかった。
""",
    "ko": """
기차가 또 늦어서 우리는 역에서 커피를 한 잔 더 마셨다.
이웃은 발코니에서 토마토를 길러 금요일마다 판다.
빨간 자전거 열쇠를 본 사람 있어요?
그녀는 차를 어디에 세웠는지 기억하지 못했다.
""",
}
PAIRS = [(line, code) for code, text in SENTENCES.items() for line in text.split("\n") if line]
