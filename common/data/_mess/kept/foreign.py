"""Foreign sentences of the kept town: other languages. No filter was tuned on this file.

Needs: ../grammar.py.
"""

from ..grammar import Languages

FOREIGN = Languages("""
da / I går aftes|Hver torsdag|Om sommeren|Engang|Efter middagen|Nu og da
|Ved midnat / {v} skomageren {o} {p}|{v} vores nabo {o} {p}|{v} en gammel sømand {o} {p}
|{v} min søster {o} {p}, fordi hun ikke kunne sove|{v} ingen {o} {p}, selv om det var varmt
|{v} smeden {o}, mens børnene legede {p} / købte|glemte|malede|hentede|solgte|reparerede|savnede
|gemte / en stol|to fisk|et brev|nogle blomster|en hvid hest|den gamle lampe|sin hat / ved havnen
|i kælderen|på marken|bag kirken|under træet|ude på landet / .

nb / I går kveld|Hver torsdag|Om sommeren|En gang|Etter middagen|Av og til
|Ved midnatt / {v} skomakeren {o} {p}|{v} naboen vår {o} {p}|{v} en gammel sjømann {o} {p}
|{v} søsteren min {o} {p}, fordi hun ikke fikk sove|{v} ingen {o} {p}, selv om det var varmt
|{v} smeden {o} mens barna lekte {p} / kjøpte|glemte|malte|hentet|solgte|reparerte|savnet
|gjemte / en stol|to fisker|et brev|noen blomster|en hvit hest|den gamle lampen
|hatten sin / ved havna|i kjelleren|på jordet|bak kirka|under treet|ute på landet / .

fi / Eilen illalla|Joka torstai|Kesällä|Kerran|Päivällisen jälkeen|Silloin tällöin
|Keskiyöllä / suutari {v} {o} {p}|naapurimme {v} {o} {p}|vanha merimies {v} {o} {p}
|sisareni {v} {o} {p}, koska hän ei saanut unta|seppä {v} {o}, kun lapset leikkivät {p}
|joku {v} {o} {p}, vaikka oli kuuma / osti|unohti|maalasi|haki|myi|korjasi|piilotti|löysi / tuolin
|kaksi kalaa|kirjeen|kukkia|valkoisen hevosen|vanhan lampun|hattunsa / satamassa|kellarissa
|pellolla|kirkon takana|puun alla|maalla / .

hu / Tegnap este|Minden csütörtökön|Nyáron|Egyszer|Vacsora után|Néha
|Éjfélkor / a cipész {v} {o} {p}|a szomszédunk {v} {o} {p}|egy öreg tengerész {v} {o} {p}
|a nővérem {v} {o} {p}, mert nem tudott aludni|a kovács {v} {o}, amíg a gyerekek játszottak {p}
|valaki {v} {o} {p}, pedig meleg volt / vett|elfelejtett|festett|hozott|eladott|megjavított
|elrejtett|talált / egy széket|két halat|egy levelet|virágokat|egy fehér lovat|egy régi lámpát
|egy kalapot / a kikötőben|a pincében|a mezőn|a templom mögött|a fa alatt|vidéken / .

cs / Včera večer|Každý čtvrtek|V létě|Jednou|Po večeři|Občas|O půlnoci / švec {v} {o} {p}
|náš soused {v} {o} {p}|starý námořník {v} {o} {p}|můj bratr {v} {o} {p}, protože nemohl spát
|kovář {v} {o}, zatímco si děti hrály {p}|někdo {v} {o} {p}, i když bylo horko / koupil|zapomněl
|namaloval|přinesl|prodal|opravil|schoval|našel / židli|dvě ryby|dopis|květiny|bílého koně
|starou lampu|klobouk / v přístavu|ve sklepě|na poli|za kostelem|pod stromem|na venkově / .

ro / Aseară|În fiecare joi|Vara|Odată|După cină|Din când în când
|La miezul nopții / cizmarul {v} {o} {p}|vecinul nostru {v} {o} {p}|un marinar bătrân {v} {o} {p}
|sora mea {v} {o} {p}, pentru că nu putea dormi|fierarul {v} {o}, în timp ce copiii se jucau {p}
|cineva {v} {o} {p}, deși era foarte cald / a cumpărat|a uitat|a pictat|a adus|a vândut|a reparat
|a ascuns|a găsit / un scaun|doi pești|o scrisoare|niște flori|un cal alb|lampa cea veche
|pălăria / în port|în pivniță|pe câmp|în spatele bisericii|sub copac|la țară / .

tr / Dün akşam|Her perşembe|Yazın|Bir gün|Yemekten sonra|Ara sıra
|Gece yarısı / ayakkabıcı {p} {o} {v}|komşumuz {p} {o} {v}|yaşlı bir denizci {p} {o} {v}
|kız kardeşim uyuyamadığı için {p} {o} {v}|çocuklar oynarken demirci {p} {o} {v}
|hava sıcak olduğu halde biri {p} {o} {v} / aldı|unuttu|boyadı|getirdi|sattı|onardı|sakladı
|buldu / bir sandalye|iki balık|bir mektup|birkaç çiçek|beyaz bir at|eski lambayı
|şapkasını / limanda|bodrumda|tarlada|caminin arkasında|ağacın altında|köyde / .

id / Tadi malam|Setiap hari Kamis|Pada musim panas|Suatu hari|Setelah makan malam|Kadang-kadang
|Pada tengah malam / tukang sepatu {v} {o} {p}|tetangga kami {v} {o} {p}
|seorang pelaut tua {v} {o} {p}|kakak saya {v} {o} {p} karena tidak bisa tidur
|pandai besi {v} {o} ketika anak-anak bermain {p}
|seseorang {v} {o} {p} walaupun cuaca panas / membeli|melupakan|melukis|membawa|menjual
|memperbaiki|menyembunyikan|menemukan / sebuah kursi|dua ekor ikan|sepucuk surat|beberapa bunga
|seekor kuda putih|lampu tua itu|topinya / di pelabuhan|di ruang bawah tanah|di ladang
|di belakang masjid|di bawah pohon|di desa / .

vi / Tối hôm qua|Mỗi thứ năm|Vào mùa hè|Một hôm|Sau bữa tối|Thỉnh thoảng
|Lúc nửa đêm / người thợ giày {v} {o} {p}|hàng xóm của chúng tôi {v} {o} {p}
|một thủy thủ già {v} {o} {p}|chị tôi {v} {o} {p} vì không ngủ được
|người thợ rèn {v} {o} trong khi trẻ em chơi {p}|có ai đó {v} {o} {p} mặc dù trời nóng / mua|quên
|vẽ|mang|bán|sửa|giấu|tìm thấy / một cái ghế|hai con cá|một lá thư|vài bông hoa|một con ngựa trắng
|chiếc đèn cũ|cái mũ / ở bến cảng|dưới hầm|ngoài đồng|sau nhà thờ|dưới gốc cây|ở quê / .

uk / Учора ввечері|Щочетверга|Улітку|Якось|Після вечері|Інколи|Опівночі / швець {v} {o} {p}
|наш сусід {v} {o} {p}|старий моряк {v} {o} {p}|мій брат {v} {o} {p}, бо не міг заснути
|коваль {v} {o}, поки діти гралися {p}|хтось {v} {o} {p}, хоча було спекотно / купив|забув
|намалював|приніс|продав|полагодив|сховав|знайшов / стілець|дві рибини|листа|квіти|білого коня
|стару лампу|капелюха / у порту|у підвалі|на полі|за церквою|під деревом|у селі / .

bg / Снощи|Всеки четвъртък|През лятото|Веднъж|След вечеря|Понякога
|В полунощ / обущарят {v} {o} {p}|нашият съсед {v} {o} {p}|един стар моряк {v} {o} {p}
|брат ми {v} {o} {p}, защото не можеше да спи|ковачът {v} {o}, докато децата играеха {p}
|някой {v} {o} {p}, въпреки че беше горещо / купи|забрави|нарисува|донесе|продаде|поправи|скри
|намери / един стол|две риби|едно писмо|цветя|бял кон|старата лампа|шапката си / на пристанището
|в мазето|на полето|зад църквата|под дървото|на село / .

he / אתמול בערב|בכל יום חמישי|בקיץ|פעם אחת|אחרי הארוחה|לפעמים|בחצות / הסנדלר {v} {o} {p}
|השכן שלנו {v} {o} {p}|מלח זקן {v} {o} {p}|אחי {v} {o} {p} כי הוא לא הצליח להירדם
|הנפח {v} {o} בזמן שהילדים שיחקו {p}|מישהו {v} {o} {p} למרות שהיה חם / קנה|שכח|צייר|הביא|מכר|תיקן
|החביא|מצא / כיסא|שני דגים|מכתב|פרחים|סוס לבן|מנורה ישנה|כובע / בנמל|במרתף|בשדה|מאחורי בית הכנסת
|מתחת לעץ|בכפר / .

fa / دیشب|هر پنجشنبه|در تابستان|یک روز|بعد از شام|گاهی|نیمه شب / کفاش {p} {o} {v}
|همسایه ما {p} {o} {v}|یک ملوان پیر {p} {o} {v}|خواهرم {p} {o} {v} چون نمی‌توانست بخوابد
|آهنگر {p} {o} {v} وقتی بچه‌ها بازی می‌کردند|کسی {p} {o} {v} با اینکه هوا گرم بود / خرید
|فراموش کرد|کشید|آورد|فروخت|تعمیر کرد|پنهان کرد|پیدا کرد / یک صندلی|دو ماهی|یک نامه|چند گل
|یک اسب سفید|چراغ قدیمی را|کلاهش را / در بندر|در زیرزمین|در مزرعه|پشت مسجد|زیر درخت|در روستا / .

th / เมื่อคืนนี้|ทุกวันพฤหัส|ในฤดูร้อน|วันหนึ่ง|หลังอาหารเย็น|บางครั้ง
|ตอนเที่ยงคืน / ช่างทำรองเท้า{v}{o}{p}|เพื่อนบ้านของเรา{v}{o}{p}|กะลาสีเฒ่าคนหนึ่ง{v}{o}{p}
|พี่สาวของฉัน{v}{o}{p}เพราะนอนไม่หลับ|ช่างตีเหล็ก{v}{o}ขณะที่เด็กๆ เล่นอยู่{p}
|มีคน{v}{o}{p}แม้ว่าอากาศจะร้อน / ซื้อ|ลืม|วาด|นำ|ขาย|ซ่อม|ซ่อน|พบ / เก้าอี้|ปลาสองตัว|จดหมาย
|ดอกไม้|ม้าสีขาว|ตะเกียงเก่า|หมวก / ที่ท่าเรือ|ในห้องใต้ดิน|ในทุ่งนา|หลังวัด|ใต้ต้นไม้
|ในหมู่บ้าน / none

ko / 어젯밤|목요일마다|여름에|어느 날|저녁을 먹은 뒤|가끔
|한밤중에 / 구두장이가 {p} {o} {v}|우리 이웃은 {p} {o} {v}
|늙은 선원이 {p} {o} {v}|언니는 잠이 오지 않아서 {p} {o} {v}
|아이들이 노는 동안 대장장이는 {p} {o} {v}
|날씨가 더웠지만 누군가 {p} {o} {v} / 샀다|잊었다|그렸다|가져왔다|팔았다
|고쳤다|숨겼다|찾았다 / 의자를|물고기 두 마리를|편지를|꽃을|하얀 말을|낡은 등불을
|모자를 / 항구에서|지하실에서|들판에서|교회 뒤에서|나무 아래에서|시골에서 / .

sw / Jana usiku|Kila Alhamisi|Wakati wa kiangazi|Siku moja|Baada ya chakula|Mara nyingine
|Usiku wa manane / fundi viatu {v} {o} {p}|jirani yetu {v} {o} {p}|baharia mzee {v} {o} {p}
|dada yangu {v} {o} {p} kwa sababu hakuweza kulala|mhunzi {v} {o} wakati watoto walicheza {p}
|mtu {v} {o} {p} ingawa kulikuwa na joto / alinunua|alisahau|alichora|alileta|aliuza|alitengeneza
|alificha|alipata / kiti|samaki wawili|barua|maua|farasi mweupe|taa ya zamani
|kofia yake / bandarini|katika chumba cha chini|shambani|nyuma ya kanisa|chini ya mti|kijijini / .
""")
