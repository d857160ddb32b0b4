"""The most frequent words of languages in Latin script, from western Europe: facts, typed by hand.

They serve twice: a word on the list is evidence by itself, and the letters of all words on it say
how words of the language are spelled. More or less the most frequent come first.

Needs: nothing.
"""

WESTERN_WORDS = {
    "en": """
    the of and to a in is was that it he she for on are with as his her they at be this from i
    have or by one had not but what all were when we there can an your which their said if do
    will each about how up out them then many some so these would other into has more two like
    him see time could no make than first been its who now people my made over did down only way
    find use may water long little very after words called just where most know get through back
    much before go good new write our used me man too any day same right look think also around
    another came come work three word must because does part even place well such here take why
    things help put years different away again off went old number great tell men say small
    every found still between name should home big give air line set own under read last never
    us left end along while might next sound below saw something thought both few those always
    looked show large often together asked house world going want school important until
    form food keep children feet land side without boy once animal life enough took sometimes
    four head above kind began almost live page got need far hand high year mother light country
    father let night being study second soon story since white ever paper hard near sentence
    better best across during today however sure knew 's try told young sun thing whole hear
    example heard several change answer room against top turn learn point city play toward five
    himself usually money seen n't car morning everyone person rights freedom shall law human
    """,
    "de": """
    der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an
    werden aus er hat dass daß sie nach wird bei einer um am sind noch wie einem über einen so
    zum war haben nur oder aber vor zur bis mehr durch man sein wurde sei hatte kann gegen vom
    können schon wenn habe seine ihre dann unter wir soll ich eines jahr zwei jahren diese
    dieser wieder keine seiner worden will zwischen immer was sagte gibt alle seit muss wurden
    beim doch jetzt waren drei jahre neue neuen damit bereits da ihr seinen müssen ab ihrer ihm
    ohne sondern selbst ersten nun etwa heute weil ihn menschen deutschland anderen werde ob dir
    mich mir uns euch kein sehr hier dort viel viele gut ganz mal leben zeit haus recht freiheit
    jeder mensch frau mann kinder tag wasser straße große kleine schön nichts etwas machen gehen
    kommen sagen weiß wissen morgen abend hund katze buch freund mutter vater kind stadt land
    geht kommt macht wollte konnte musste sollte würde bin bist
    """,
    "nl": """
    de het een en van in is dat op te zijn met voor niet die aan er om ook als dan maar bij uit
    door hij ze zij naar heeft hebben had was werd worden wordt nog over wat deze dit zo kan
    kunnen of geen meer al tot onder tegen na wel moet moeten zou zal zullen zich je jij jullie
    wij we ik mijn jouw haar hun ons onze hem mij u uw waar wanneer hoe wie waarom omdat want
    toen nu hier daar altijd nooit niets iets iemand niemand alle alles elk elke ieder iedere
    ander andere twee drie jaar jaren dag dagen tijd leven huis wereld man vrouw kind kinderen
    water stad straat boek vriend moeder vader nacht ochtend avond vandaag gisteren morgen goed
    groot grote klein kleine nieuw nieuwe oud oude recht vrijheid mensen mens doen zeggen gaan
    zien geven weten wil willen ben bent waren hond kat veel weinig heel erg zonder tussen
    tijdens volgens sinds gaat komt maakt zei eens weer eerst laatste mooi naast heb hebt
    """,
    "af": """
    die en van in is het dat nie te wat vir met op 'n om aan hy sy was word sal as ook maar kan
    na deur by hulle ek jy ons julle my jou haar hul daar hierdie dit so moet wees nog al uit
    oor tot toe nou hier waar wanneer hoe wie hoekom omdat want altyd nooit niks iets iemand
    niemand alle alles elke elkeen ander twee drie jaar dag dae tyd lewe huis wêreld man vrou
    kind kinders water stad straat boek vriend moeder vader ma pa nag oggend aand vandag gister
    môre goed groot klein nuwe ou reg regte vryheid mense mens doen sê gaan sien gee weet wil
    wou gewees hond kat baie min sonder tussen gedurende volgens sedert kom maak gesê geen of
    net eers laaste mooi langs onder teen se
    """,
    "sv": """
    och i att det som en på är av för med den till inte om har de ett han men var jag sig från
    vi så kan man när år säger hon under också efter eller nu sin där vid mot ska skulle kommer
    ut får finns vara hade alla andra mycket än här då sedan över bara in blir upp även vad två
    vill ha många hur mer går kunde sitt mellan dem detta denna dessa sina mig dig oss er hans
    hennes deras min din vår ert någon något några ingen inget inga allt varje annan tre dag
    dagar tid liv hus värld kvinna barn vatten stad gata bok vän mor far mamma pappa natt morgon
    kväll idag igår imorgon alltid aldrig bra stor stora liten små ny nya gammal rätt frihet
    människor människa person göra säga gå se ge veta vet blev varit utan genom enligt eftersom
    därför medan hund katt skall vars envar rättigheter
    """,
    "da": """
    og i at det er en til af på som med for den ikke de der et har var han men sig jeg fra vi så
    kan når år siger hun under også efter eller nu sin hvor ved mod skal skulle kommer ud får
    findes være havde alle andre meget end her da siden over kun ind bliver op selv hvad to vil
    have mange hvordan mere går kunne sit mellem dem dette denne disse sine mig dig os jer hans
    hendes deres min din vores nogen noget nogle ingen intet alt hver anden tre dag dage tid liv
    hus verden mand kvinde barn børn vand by gade bog ven mor far nat morgen aften altid aldrig
    godt stor store lille små ny nye gammel ret frihed mennesker menneske person gøre sige gå se
    give vide blev været uden gennem ifølge fordi derfor mens hund kat enhver rettigheder sagde
    kom gik tog blive hvis
    """,
    "no": """
    og i det er på som en til av for med den at ikke de et har var han men seg jeg fra vi så kan
    når år sier hun under også etter eller nå sin hvor ved mot skal skulle kommer ut får finnes
    være hadde alle andre mye enn her da siden over bare inn blir opp selv hva to vil ha mange
    hvordan mer går kunne sitt mellom dem dette denne disse sine meg deg oss dere hans hennes
    deres min din vår noen noe ingen intet alt hver annen tre dag dager tid liv hus verden mann
    kvinne barn vann by gate bok venn mor far natt morgen kveld alltid aldri godt bra stor store
    liten små ny nye gammel rett frihet mennesker menneske person gjøre si gå se gi vite vet ble
    vært uten gjennom ifølge fordi derfor mens hund katt enhver rettigheter sa kom gikk tok bli
    hvis jente gutt
    """,
    "is": """
    og að í á sem er það við um en til af með fyrir ekki var hann hún þeir þær þau ég þú þið
    voru vera hefur hafa hafði eru frá eftir eða nú sinn þar hér þegar ef svo því upp út inn
    yfir undir milli allir allt allur öll aðrir annar tveir þrír ár ári dagur daga tími líf hús
    heimur maður menn kona barn börn vatn borg gata bók vinur móðir faðir nótt morgunn kvöld dag
    gær morgun alltaf aldrei ekkert eitthvað einhver enginn hver hvað hvar hvernig hvers vegna
    stór lítill nýr gamall góður gott réttur réttindi frelsi gera segja fara sjá gefa vita vil
    vill kom fór sagði þá þess þessi þetta sér sig sína mjög líka eins mér þér honum henni okkur
    hans hennar þeirra minn þinn skal verður hundur köttur
    """,
    "fr": """
    de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il
    sont avec son ses aux ou mais comme on sa nous été leur cette tout si elle deux même ont
    être fait ces aussi bien sans peut tous encore après dont depuis était entre faire lui très
    où vous je j'ai qu'il c'est n'est d'un d'une l'a qu'on qu'elle s'est temps ans avait moins
    autres autre non toute leurs ainsi jour pays contre année doit alors vie rien monde quand
    trois cela homme moi donc avoir mon elles votre jamais avant mes peu toujours chez ici
    beaucoup ils dit personne droit droits liberté femme enfant enfants maison eau ville jours
    petit petite grand grande bon bonne nouveau livre mère père ami matin soir nuit aujourd'hui
    parce chaque quelque quelques plusieurs sous vers notre nos vos tu te toi suis sommes êtes
    avez avons étaient sera serait pourquoi comment quel quelle quoi déjà puis ensuite veux voir
    aller vient chien chat
    """,
    "es": """
    de la que el en y a los se del las un por con no una su para es al lo como más o pero sus le
    ha me si sin sobre este ya entre cuando todo esta ser son dos también fue había era muy años
    hasta desde está mi porque qué sólo han yo hay vez puede todos así nos ni parte tiene él uno
    donde bien tiempo mismo ese ahora cada vida otro después te otros aunque esa eso hace otra
    tan durante siempre día tanto ella tres sí dijo sido gran país según menos mundo año antes
    estado hecho casi forma contra aquí están nada poco hoy estos mayor hombre mujer casa ciudad
    agua nuevo nueva niño niña niños derecho derechos libertad persona toda todas quien quién
    muchos mucho algo alguien gente estaba estoy somos tengo tenemos hacer decir ir ver dar
    saber quiero puedo hijo madre padre amigo noche mañana tarde libro calle perro gato pueblo
    grande pequeño bueno buena usted ustedes nosotros ellos luego entonces mientras nadie nunca
    aquel aquella
    """,
    "pt": """
    de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele
    das tem à seu sua ou ser quando muito há nos já está eu também só pelo pela até isso ela
    entre era depois sem mesmo aos ter seus quem nas me esse eles estão você tinha foram essa
    num nem suas meu às minha têm numa pelos elas havia seja qual será nós tenho lhe deles essas
    esses pelas este fosse dele tu te vocês vos lhes meus minhas teu tua nosso nossa dela esta
    estes estas aquele aquela isto aquilo estou estamos estava anos ano dia dias tempo vida casa
    mundo homem mulher criança crianças água cidade rua livro amigo mãe pai noite manhã tarde
    hoje ontem amanhã sempre nunca nada tudo todos todas toda todo outro outra bem agora aqui
    ali onde porque então assim pode fazer dizer ir ver dar saber quero grande pequeno novo nova
    bom boa direito direitos liberdade pessoa são fez disse cão gato muitos muitas coisa coisas
    ainda cada
    """,
    "it": """
    di e il la che in a per un è del non una i le si con da al dei della sono come più ma lo
    alla nel anche delle su o gli ha se dal ci nella io dalla suo sua era stato degli loro
    questo questa quando essere ho hanno cui tutti solo molto prima dopo due anni anno fatto
    stata dell ai chi lui lei noi voi mi ti ne perché così già quello quella sempre dove ancora
    senza tra fra poi fu ogni parte può tutto tutta cosa tempo vita casa giorno uomo donna
    bambino bambini acqua città mondo strada libro amico madre padre notte mattina sera oggi
    ieri domani mai niente nulla bene ora qui altro altra altri grande piccolo piccola nuovo
    nuova buono buona diritto diritti libertà individuo persona persone fare dire andare vedere
    dare sapere voglio sei siamo siete aveva avevano erano sarà nostro nostra suoi sue alle agli
    dalle nelle sulla sul nei quale quali mentre allora però qualcosa qualcuno cane gatto l'uomo
    un'altra c'era dell'uomo
    """,
    "ca": """
    de la i el que a en les els un una per amb del no es és al dels l'home són com més o però
    seva seu va ser ha han aquest aquesta aquests també quan molt si tot tots tota totes entre
    sobre fins des perquè on ja ara hi ho li ens em et us meva meu nostre nostra vostre ell ella
    ells elles jo tu nosaltres vosaltres qui què quin quina cada altre altra altres mateix sense
    dos dues tres any anys dia dies temps vida casa món home dona nen nens aigua ciutat carrer
    llibre amic mare pare nit matí tarda avui ahir demà sempre mai res bé aquí allà gran petit
    petita nou nova bo bona dret drets llibertat persona fer dir anar veure donar saber vull
    tinc està estan estava era eren hem heu fet dit només després abans encara així doncs cap
    algun alguna gent gos gat això allò pot poden vaig van nostres seus seves ni fou hauria als
    pels pel
    """,
    "gl": """
    de a o que e do da en un para é con non unha os no se na por máis as dos como pero foi ao el
    das ten á seu súa ou ser cando moi hai nos xa está eu tamén só polo pola ata iso ela entre
    era despois sen mesmo aos ter seus quen nas me ese eles están vostede tiña foron esa nin
    súas meu miña teñen houbo este esta estes estas aquel aquela isto aquilo teño estamos estaba
    anos ano día días tempo vida casa mundo home muller neno nena nenos auga cidade rúa libro
    amigo nai pai noite mañá tarde hoxe onte mañán sempre nunca nada todo todos todas toda outro
    outra ben agora aquí alí onde porque entón así pode facer dicir ir ver dar saber quero
    grande pequeno novo nova bo boa dereito dereitos liberdade persoa fixo dixo can gato xente
    lle lles cada unhas uns nosa noso estou polos polas dunha dun nunha nun
    """,
    "ro": """
    de și în a la cu pe nu că din o un pentru este care mai ce se au fi ca sau să am lui prin
    după fost dar sunt al ale ai ei el ea noi voi lor ele eu tu îi își îl le ne mă te vă era
    erau fiind fără sub între către până când unde cum foarte tot toate toți toată această acest
    acesta aceasta aceste acești acel acea decât doar numai chiar încă atunci acum aici acolo
    astăzi ieri mâine niciodată întotdeauna nimic ceva cineva nimeni fiecare alt altă alte alți
    doi două trei an ani zi zile timp viață casă om oameni femeie copil copii apă oraș stradă
    carte prieten mamă tată noapte dimineață seară bine mare mic mică nou nouă bun bună drept
    drepturi libertate persoană face spune merge vedea da ști vreau pot poate trebuie are avea
    avem aveți ați fac fie nici deci deoarece iar însă despre câine pisică dintre asupra într-o
    într-un dacă orice
    """,
    "la": """
    et in est non ad ut cum quod qui quae sed si ex per ab atque aut nec neque ac enim autem hoc
    haec hic ille illa illud esse sunt erat erant fuit ego tu nos vos me te se mihi tibi sibi
    nobis eius eorum suum suam sua suo meum tuum quid quis quam quo quoque iam tamen nunc tum
    ubi unde cur quia dum omnes omnia omnis alius alii duo tres annus anni annos dies diem
    tempus vita domus mundus homo homines hominum vir femina puer puella pueri aqua urbs via
    liber amicus mater pater nox mane vesper hodie heri cras semper numquam nihil aliquid nemo
    bonus bona bene magnus magna parvus novus vetus ius iura libertas facere dicere ire videre
    dare scire volo sine inter ante post dixit venit canis feles multi multa pauci etiam ita sic
    vel nam ergo igitur de a ipse idem sub super
    """,
    "ga": """
    an na agus ar i a is go le do bhí tá sé sí ní nach de ag don sa san as seo sin ach mar leis
    ó chun mé tú muid sibh siad mo ár bhur gach duine daoine uile eile dhá trí bliain blianta lá
    laethanta am saol teach domhan fear bean leanbh páistí uisce cathair sráid leabhar cara
    máthair athair oíche maidin tráthnóna inniu inné amárach gcónaí riamh rud éigin ceann maith
    mór beag nua sean ceart cearta saoirse déanamh rá dul feiceáil tabhairt fhios raibh níl
    bhfuil beidh bheith gan idir roimh tar éis nuair cá cén conas cad cé dúirt tháinig chuaigh
    madra cat mórán beagán an-mhór anois anseo ansin amháin fós freisin aige aici acu agam agat
    againn leo léi liom leat faoi thar chuig
    """,
    "cy": """
    y yr a i o yn ar mae ei eu am gan wedi i'r a'r o'r oedd ac nid yw bod fod hyn hynny hwn hon
    ond neu hefyd dim fel gyda wrth at er mwyn fy dy ein eich fi ti ef hi ni chi nhw pob pawb
    holl arall eraill dau dwy tri blwyddyn blynyddoedd dydd diwrnod amser bywyd tŷ byd dyn
    dynion menyw plentyn plant dŵr dinas stryd llyfr ffrind mam tad nos bore prynhawn heddiw
    ddoe yfory bob byth rhywbeth rhywun neb da mawr bach newydd hen hawl hawliau rhyddid gwneud
    dweud mynd gweld rhoi gwybod eisiau heb rhwng cyn ôl pan ble pryd sut pam pwy beth meddai
    daeth aeth ci cath llawer ychydig iawn nawr yma yno eto mewn trwy drwy dros hyd roedd bydd
    gall rhaid sydd sy'n mae'n
    """,
    "eu": """
    eta da ez bat du dira zen ere hau hori hura zuen baina edo egin izan dute duen bere gure
    nire zure haien ni zu gu zuek haiek oso bai non noiz nola zergatik nor zer zein guzti
    guztiak bakoitza beste batzuk bi hiru urte egun denbora bizitza etxe etxea mundu mundua
    gizon gizona emakume emakumea ume umea haur haurrak ur ura hiri hiria kale kalea liburu
    liburua lagun laguna ama aita gau gaua goiz goizean arratsalde gaur atzo bihar beti inoiz
    ezer zerbait norbait inor on ona ongi handi txiki berri zahar eskubide eskubidea askatasuna
    egiten esan joan ikusi eman jakin nahi gabe artean bitartean arabera ondoren aurretik zuten
    zituen ditu dituzte naiz zara gara daude dago zegoen zakur txakurra katu katua asko gutxi
    orain hemen han bakarrik oraindik arte baino pertsona izateko
    """,
}
