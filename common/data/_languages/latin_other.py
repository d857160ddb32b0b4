"""The most frequent words of languages in Latin script, from elsewhere: facts, typed by hand.

They serve twice: a word on the list is evidence by itself, and the letters of all words on it say
how words of the language are spelled. More or less the most frequent come first.

Needs: nothing.
"""

OTHER_WORDS = {
    "fi": """
    ja on ei että oli se hän mutta ovat kun niin kuin tai myös ole sen joka jos en olen hänen
    vain sitä ne mitä nyt tämä jo sekä siitä vielä mukaan kanssa voi olla minä sinä me te he
    minun sinun meidän teidän heidän minulla hänellä tässä siellä täällä missä milloin miten
    miksi koska kuka mikä kaikki kaikkien jokainen jokaisella toinen muut muu kaksi kolme vuosi
    vuotta päivä päivää aika elämä talo maailma mies nainen lapsi lapset vesi kaupunki katu
    kirja ystävä äiti isä yö aamu ilta tänään eilen huomenna aina koskaan mitään jotain joku
    hyvä hyvin suuri iso pieni uusi vanha oikeus vapaus ihminen ihmiset ihmisen tehdä sanoa
    mennä nähdä antaa tietää haluan olivat ollut ollaan eivät emme ettei ilman välillä aikana
    jälkeen ennen kautta kohti sanoi tuli meni koira kissa paljon vähän hyvää tulee pitää täytyy
    talossa kaupungissa jonka jotka
    """,
    "et": """
    ja on ei et see oli ta kui ka aga mis oma siis kes või ning nad olid selle siin seal nii ma
    sa me te mina sina tema meie teie nende minu sinu üks kaks kolm kõik kõigi iga teine teised
    muu aasta aastat päev päeva aeg elu maja maailm mees naine laps lapsed vesi linn tänav
    raamat sõber ema isa öö hommik õhtu täna eile homme alati kunagi midagi keegi miski hea
    hästi suur väike uus vana õigus vabadus inimene inimesed inimese teha öelda minna näha anda
    teada tahan oleme olete olen olnud pole ilma vahel ajal pärast enne läbi poole ütles tuli
    läks koer kass palju vähe tuleb peab võib saab kus millal kuidas miks sest veel juba ainult
    väga just seda selles sellest kellel igal igaühel inimõigused
    """,
    "hu": """
    a az és hogy nem is egy ez volt de van már csak meg ha mint még azt el sem vagy ki kell fel
    le be én te ő mi ti ők azonban minden mindenki lehet után amely ami aki akik akkor most itt
    ott hol mikor hogyan miért mert mit kit egyik másik két kettő három év évben nap napon idő
    élet ház világ ember emberek férfi nő gyerek gyermek víz város utca könyv barát anya apa
    éjszaka reggel este ma tegnap holnap mindig soha semmi valami valaki jó jól nagy kis kicsi
    új régi jog joga szabadság csinál mond megy lát ad tud akarok volna lett lesz lenne voltak
    vannak nincs nélkül között alatt előtt szerint által óta mondta jött ment kutya macska sok
    kevés nagyon ezért ilyen olyan ezek azok ennek annak neki nekem őt engem téged minket saját
    """,
    "pl": """
    w i na z się nie do to że o jest a od po przez jak za co ale dla tym ten jego jej ich są był
    była było były tak może być lub tylko czy już przed przy ze u oraz który która które którzy
    którego której gdzie kiedy dlaczego ponieważ bo ja ty on ona my wy oni one mnie mi ciebie mu
    nas nam wam im mój moja twój nasz wasz swój każdy każda wszystko wszyscy wszystkie inny inne
    dwa trzy rok lat lata dzień dni czas życie dom świat człowiek ludzie ludzi mężczyzna kobieta
    dziecko dzieci woda miasto ulica książka przyjaciel matka ojciec noc rano wieczór dziś
    dzisiaj wczoraj jutro zawsze nigdy nic coś ktoś nikt dobry dobrze duży mały nowy stary prawo
    prawa wolność robić mówić iść widzieć dać wiedzieć chcę bez między podczas według powiedział
    poszedł pies kot dużo mało bardzo jeszcze więc także również tego tej ma mają tę żeby
    """,
    "cs": """
    a v na je se že to s z do o i ve pro by jsem ale jako za po jeho její jejich jsou byl byla
    bylo byli tak může být nebo jen už před při od u aby který která které kteří kde kdy proč
    protože já ty on ona my vy oni mě mi tě mu nás nám vám jim můj tvůj náš váš svůj svou každý
    každá všechno všichni všechny jiný jiné dva tři rok let roku den dny čas život dům svět
    člověk lidé lidí muž žena dítě děti voda město ulice kniha přítel matka otec noc ráno večer
    dnes včera zítra vždy vždycky nikdy nic něco někdo nikdo dobrý dobře velký malý nový starý
    právo práva svoboda dělat říkat jít vidět dát vědět chci bez mezi během podle řekl šel pes
    kočka hodně málo velmi ještě tedy také toho té má mají tu když než ani však ke ze
    """,
    "sk": """
    a v na je sa že to s z do o i vo pre by som ale ako za po jeho jej ich sú bol bola bolo boli
    tak môže byť alebo len už pred pri od u aby ktorý ktorá ktoré ktorí kde kedy prečo pretože
    ja ty on ona my vy oni mňa mi teba mu nás nám vám im môj tvoj náš váš svoj svoju každý každá
    všetko všetci všetky iný iné dva tri rok rokov roku deň dni čas život dom svet človek ľudia
    ľudí muž žena dieťa deti voda mesto ulica kniha priateľ matka otec noc ráno večer dnes včera
    zajtra vždy nikdy nič niečo niekto nikto dobrý dobre veľký malý nový starý právo práva
    sloboda robiť hovoriť ísť vidieť dať vedieť chcem bez medzi počas podľa povedal išiel pes
    mačka veľa málo veľmi ešte teda tiež toho tej má majú tú keď než ani však ku zo
    """,
    "sl": """
    in je v na se da za z so ki ne pa po od s bi to tudi kot pri iz do ali ko že le še bil bila
    bilo bili sem si smo ste jaz ti on ona mi vi oni mene tebe njega njo nas vas njih moj tvoj
    naš vaš svoj njegov njen njihov vsak vsakdo vse vsi drug drugi dva tri leto let leta dan dni
    čas življenje hiša svet človek ljudje ljudi moški ženska otrok otroci voda mesto ulica
    knjiga prijatelj mati oče noč jutro večer danes včeraj jutri vedno nikoli nič nekaj nekdo
    nihče dober dobro velik velika majhen nov nova star pravica pravice svoboda delati reči iti
    videti dati vedeti hočem brez med pred skozi rekel šel pes mačka veliko malo zelo kje kdaj
    kako zakaj ker torej tega te ima imajo lahko mora nje vendar zato če bo bodo
    """,
    "hr": """
    i je u da se na za od su koji koja koje s a ne to će iz o kao bi ili sam ali što do po nije
    samo ima već bio bila bilo bili biti može ja ti on ona mi vi oni mene tebe njega nju nas vas
    njih moj tvoj naš vaš svoj njegov njen njezin njihov svaki svatko sve svi drugi druga dva
    tri godina godine dan dana vrijeme život kuća svijet čovjek ljudi muškarac žena dijete djeca
    voda grad ulica knjiga prijatelj majka otac noć jutro večer danas jučer sutra uvijek nikad
    ništa nešto netko nitko dobar dobro velik velika mali malo nov novi star pravo prava sloboda
    raditi reći ići vidjeti dati znati želim bez između pred kroz rekao išao pas mačka mnogo
    vrlo gdje kada kako zašto jer dakle toga te imaju mogu mora još kad ako nego pri prema tko
    smo ste
    """,
    "lt": """
    ir yra į iš kad su o ne tai kaip bet per po prie už nuo ar jis ji jie jos aš tu mes jūs mano
    tavo jo jų mūsų jūsų savo kuris kuri kurie kurios kas ką kur kada kodėl nes buvo būti bus
    gali turi dar jau tik labai taip pat visi visos viskas kiekvienas kitas kiti kita du trys
    metai metų diena dienos laikas gyvenimas namas namai pasaulis žmogus žmonės vyras moteris
    vaikas vaikai vanduo miestas gatvė knyga draugas motina tėvas naktis rytas vakaras šiandien
    vakar rytoj visada niekada nieko kažkas niekas geras gerai didelis mažas naujas senas teisė
    teises laisvė daryti sakyti eiti matyti duoti žinoti noriu be tarp prieš apie pagal sakė ėjo
    šuo katė daug mažai todėl čia ten ši šis tas ta tie kai jei nors tačiau arba turėjo nebuvo
    """,
    "lv": """
    un ir uz no kas ar par ka tas tā bet arī pie pēc līdz vai viņš viņa viņi es tu mēs jūs mans
    tavs mūsu jūsu savu savas kurš kura kuri ko kur kad kāpēc jo bija būt būs var vēl jau tikai
    ļoti tāpat visi visas viss katrs katram cits citi cita divi trīs gads gadu gada diena dienas
    laiks dzīve māja pasaule cilvēks cilvēki cilvēku vīrietis sieviete bērns bērni ūdens pilsēta
    iela grāmata draugs māte tēvs nakts rīts vakars šodien vakar rīt vienmēr nekad neko kaut
    kāds neviens labs labi liels mazs jauns vecs tiesības brīvība darīt teikt iet redzēt dot
    zināt gribu bez starp pirms ap teica gāja suns kaķis daudz maz tāpēc šeit tur šis šī šo tie
    to tam kā ja nav tomēr lai tiek nevar
    """,
    "tr": """
    ve bir bu da de için ile çok daha olarak ne gibi kadar sonra en o ben sen biz siz onlar onun
    benim senin bizim sizin onların var yok mı mi değil ama ancak veya ya ki her herkes hiç
    hiçbir şey şeyi bazı bütün tüm diğer başka iki üç yıl yılında gün günü zaman hayat yaşam ev
    evi dünya insan insanlar adam kadın çocuk çocuklar su şehir sokak kitap arkadaş anne baba
    gece sabah akşam bugün dün yarın şimdi hemen burada orada nerede nasıl neden niçin çünkü kim
    hangi iyi kötü büyük küçük yeni eski hak hakkı hakkına hürriyet özgürlük yapmak demek gitmek
    görmek vermek bilmek istiyorum oldu olan olduğu olur olmak etmek etti edilmiş dedi geldi
    gitti vardı yoktu köpek kedi önce göre karşı arasında tarafından üzerinde içinde ise eğer
    böyle şöyle artık bile zaten yine
    """,
    "sq": """
    e të në dhe i një për me që nga është se si u do nuk më ka a ai ajo ata ato unë ti ne ju im
    yt tij saj tyre kjo ky këto këta por ose edhe pa pas para mbi nën ndër midis deri kur ku pse
    sepse kush çfarë cili cila çdo çdokush gjithë gjitha tjetër tjera dy tre vit vjet vite ditë
    dita kohë koha jetë jeta shtëpi shtëpia botë bota njeri njerëz burrë grua fëmijë ujë qytet
    rrugë libër shok mik nënë baba natë mëngjes mbrëmje sot dje nesër gjithmonë kurrë asgjë
    diçka dikush askush mirë madh vogël ri re vjetër drejtë drejtat lirinë bëj them shkoj shoh
    jap di dua ishte ishin janë kam kemi kanë kishte tha shkoi erdhi qen mace shumë pak prej
    kësaj duke duhet mund vetëm tani këtu atje
    """,
    "vi": """
    và của là có không được cho các trong một với người những này đã để khi đến như từ cũng vào
    tôi bạn anh chị em nó chúng ta họ ông bà cô mình ra còn sẽ thì mà nhưng hay hoặc vì nên nếu
    làm về tại trên dưới sau trước giữa theo bởi do đó đây kia nào gì ai đâu sao bao nhiêu mọi
    mỗi tất cả khác hai ba năm ngày tháng giờ thời gian cuộc sống nhà thế giới đàn phụ nữ trẻ
    con nước thành phố đường sách bè mẹ cha bố đêm sáng chiều tối hôm nay qua mai luôn tốt lớn
    nhỏ mới cũ quyền tự nói đi thấy biết muốn chó mèo nhiều ít rất lắm quá đều chỉ đang vẫn phải
    bị lại lên xuống hơn nhất quốc gia việc điều
    """,
    "id": """
    yang dan di untuk dengan dari ini itu pada dalam tidak adalah akan ke oleh juga saya kami
    kita kamu anda dia ia mereka atau karena ada bisa dapat sudah telah belum sedang lebih
    sangat para setiap orang semua lain lainnya dua tiga tahun hari waktu hidup kehidupan rumah
    dunia manusia pria wanita perempuan anak air kota jalan buku teman ibu bapak ayah malam pagi
    sore sekarang kemarin besok selalu pernah apa sesuatu siapa baik besar kecil baru lama tua
    hak kebebasan melakukan mengatakan pergi melihat memberi tahu ingin mau tanpa antara selama
    menurut setelah sebelum sejak ketika mana kapan bagaimana mengapa kenapa sebab tetapi namun
    maka jika kalau agar supaya berkata datang anjing kucing banyak sedikit sekali hanya masih
    lagi sebagai seperti tersebut kepada secara harus menjadi bahwa punya kata nya satu sebuah
    seorang
    """,
    "tl": """
    ang ng sa na at ay mga si ni kay para hindi ito iyon siya ako ikaw kami tayo kayo sila niya
    ko mo namin natin ninyo nila kanya akin iyo amin atin inyo kanila may mayroon wala kung
    kapag dahil pero ngunit o din rin lang lamang pa ba po nang isa isang dalawa tatlo taon araw
    panahon buhay bahay mundo tao lalaki babae bata tubig lungsod daan aklat kaibigan ina ama
    nanay tatay gabi umaga hapon ngayon kahapon bukas lagi kailanman ano sino saan kailan paano
    bakit mabuti malaki maliit bago luma karapatan kalayaan gawin sabihin pumunta makita bigyan
    alam gusto nasa mula hanggang habang ayon pagkatapos sinabi dumating aso pusa marami kaunti
    napaka dito doon lahat bawat ibang iba dapat maaari maging sapagkat upang
    """,
    "sw": """
    ya na wa kwa ni katika za la cha vya kuwa hii hiyo huo huyo hao kama au lakini pia yake
    yangu yako yetu yenu yao wake wangu wako wetu wao mimi wewe yeye sisi ninyi si siyo hakuna
    kuna ana wana nina una alikuwa walikuwa ilikuwa kila mtu watu wote yote nyingine mwingine
    mbili mawili tatu mwaka miaka siku wakati muda maisha nyumba dunia mwanamume mwanamke mtoto
    watoto maji mji jiji barabara kitabu rafiki mama baba usiku asubuhi jioni leo jana kesho
    daima kamwe nini nani wapi lini vipi sababu nzuri vizuri kubwa mkubwa ndogo mdogo mpya haki
    uhuru kufanya kusema kwenda kuona kutoa kujua nataka bila kati kabla baada alisema alikuja
    alikwenda mbwa paka sana kidogo sasa hapa pale tu bado tena zaidi ambao ambayo ili hadi hata
    kutoka kwamba
    """,
    "eo": """
    la kaj de en estas al por ke ne li ŝi ĝi ili mi vi ni kun sed aŭ el ĉiu ĉiuj ĉio ĉi tiu tio
    tie tiam kiu kio kie kiam kial ĉar se jes sur sub inter post antaŭ dum ĝis per pri da mia
    via lia ŝia ĝia nia ilia sia alia aliaj du tri jaro jaroj tago tagoj tempo vivo domo mondo
    homo homoj viro virino infano infanoj akvo urbo strato libro amiko patrino patro nokto
    mateno vespero hodiaŭ hieraŭ morgaŭ ĉiam neniam nenio io iu neniu bona bone granda malgranda
    nova malnova rajto rajtoj rajtas libereco fari diri iri vidi doni scii volas estis estos
    estus esti havas havis povas povis devas sen laŭ diris venis iris hundo kato multe malmulte
    tre nun jam ankoraŭ nur ankaŭ tiel kiel pli plej unu oni
    """,
}

# Letters that a language writes with a mark or a shape of its own, by frequency.
LATIN_LETTERS = {
    "de": "üäöß",
    "fr": "éèàêçâîôûùëïœ",
    "es": "óíáéñúü¿¡",
    "pt": "ãáéçíóêõúâôà",
    "it": "èàùòìé",
    "ca": "éàèóíòçúïü·",
    "gl": "áéíóúñü",
    "ro": "ăîâșțşţ",
    "nl": "ëéï",
    "af": "ëêôî",
    "sv": "äåö",
    "da": "æøå",
    "no": "åøæ",
    "is": "ðáíþöæéóúý",
    "fi": "äö",
    "et": "äõüö",
    "hu": "áéöíóőüúű",
    "pl": "łęążóśćńź",
    "cs": "íáěéřýčšžůúťďóň",
    "sk": "áíýéčšžľúťďňôóä",
    "sl": "čšž",
    "hr": "čćšžđ",
    "lt": "ėšįžųąūčę",
    "lv": "āīēšūļņķģčž",
    "tr": "ıüşçğöâ",
    "sq": "ëç",
    "vi": "đạáàảấếộườưểốịớựọơôâêăéíúùởợữủẽẹìỉĩòỏõồổỗờỡụũừửỳýỵỷỹằắẳẵặầẩẫậềễệèẻãó",
    "ga": "áíéóú",
    "cy": "ŵŷâôêî",
    "eo": "ĝĉŝŭĵĥ",
    "eu": "ñ",
    "tl": "ñ",
}
