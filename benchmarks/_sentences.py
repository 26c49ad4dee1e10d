"""What a language identifier is asked: a few sentences as users write them, per language (ISO 639-1)."""

SENTENCES: dict[str, tuple[str, ...]] = {
    "en": (
        "The conveyor stopped again this morning and nobody could tell us why.",
        "Could you please send me the invoice for last month once more?",
        "My parcel arrived with a broken lid, so I would like my money back.",
        "How long will the maintenance of the second line take?",
    ),
    "de": (
        "Das Förderband ist heute Morgen schon wieder stehen geblieben.",
        "Könnten Sie mir bitte die Rechnung vom letzten Monat noch einmal schicken?",
        "Mein Paket kam mit einem kaputten Deckel an, ich möchte mein Geld zurück.",
        "Wie lange wird die Wartung der zweiten Linie dauern?",
    ),
    "fr": (
        "Le convoyeur s'est encore arrêté ce matin et personne ne sait pourquoi.",
        "Pourriez-vous m'envoyer une nouvelle fois la facture du mois dernier ?",
        "Mon colis est arrivé avec un couvercle cassé, je voudrais être remboursé.",
        "Combien de temps va durer l'entretien de la deuxième ligne ?",
    ),
    "es": (
        "La cinta transportadora se ha parado otra vez esta mañana.",
        "¿Podrían enviarme de nuevo la factura del mes pasado?",
        "Mi paquete llegó con la tapa rota, así que quiero que me devuelvan el dinero.",
        "¿Cuánto tiempo va a durar el mantenimiento de la segunda línea?",
    ),
    "it": (
        "Il nastro trasportatore si è fermato di nuovo questa mattina.",
        "Potreste mandarmi ancora una volta la fattura del mese scorso?",
        "Il mio pacco è arrivato con il coperchio rotto, vorrei un rimborso.",
        "Quanto durerà la manutenzione della seconda linea?",
    ),
    "pt": (
        "A esteira parou novamente hoje de manhã e ninguém sabe por quê.",
        "Vocês poderiam me enviar outra vez a fatura do mês passado?",
        "Minha encomenda chegou com a tampa quebrada, quero o meu dinheiro de volta.",
        "Quanto tempo vai demorar a manutenção da segunda linha?",
    ),
    "nl": (
        "De lopende band is vanochtend alweer stilgevallen en niemand weet waarom.",
        "Kunt u mij de factuur van vorige maand nog een keer sturen?",
        "Mijn pakket kwam aan met een kapot deksel, ik wil graag mijn geld terug.",
        "Hoe lang gaat het onderhoud van de tweede lijn duren?",
    ),
    "pl": (
        "Taśma produkcyjna znowu stanęła dziś rano i nikt nie wie dlaczego.",
        "Czy mogliby państwo jeszcze raz przysłać mi fakturę za zeszły miesiąc?",
        "Moja paczka przyszła z pękniętą pokrywką, proszę o zwrot pieniędzy.",
        "Jak długo potrwa konserwacja drugiej linii?",
    ),
    "cs": (
        "Dopravník se dnes ráno zase zastavil a nikdo neví proč.",
        "Mohli byste mi prosím ještě jednou poslat fakturu za minulý měsíc?",
        "Můj balík přišel s rozbitým víkem, chtěl bych vrátit peníze.",
        "Jak dlouho bude trvat údržba druhé linky?",
    ),
    "sv": (
        "Transportbandet stannade igen i morse och ingen vet varför.",
        "Kan ni skicka fakturan för förra månaden en gång till?",
        "Mitt paket kom fram med ett trasigt lock, så jag vill ha pengarna tillbaka.",
        "Hur länge kommer underhållet av den andra linjen att ta?",
    ),
    "fi": (
        "Liukuhihna pysähtyi taas tänä aamuna eikä kukaan tiedä miksi.",
        "Voisitteko lähettää minulle viime kuun laskun vielä kerran?",
        "Pakettini saapui rikkinäisellä kannella, haluan rahani takaisin.",
        "Kuinka kauan toisen linjan huolto kestää?",
    ),
    "tr": (
        "Bu sabah bant yine durdu ve kimse nedenini bilmiyor.",
        "Geçen ayın faturasını bana bir kez daha gönderebilir misiniz?",
        "Paketim kırık bir kapakla geldi, paramı geri istiyorum.",
        "İkinci hattın bakımı ne kadar sürecek?",
    ),
    "ru": (
        "Сегодня утром конвейер снова остановился, и никто не знает почему.",
        "Не могли бы вы ещё раз прислать мне счёт за прошлый месяц?",
        "Моя посылка пришла с разбитой крышкой, верните мне деньги.",
        "Сколько времени займёт обслуживание второй линии?",
    ),
    "uk": (
        "Сьогодні вранці конвеєр знову зупинився, і ніхто не знає чому.",
        "Чи не могли б ви ще раз надіслати мені рахунок за минулий місяць?",
        "Моя посилка прийшла з розбитою кришкою, поверніть мені гроші.",
        "Скільки часу триватиме обслуговування другої лінії?",
    ),
    "el": (
        "Ο ιμάντας σταμάτησε πάλι σήμερα το πρωί και κανείς δεν ξέρει γιατί.",
        "Μπορείτε να μου στείλετε ξανά το τιμολόγιο του περασμένου μήνα;",
        "Το δέμα μου έφτασε με σπασμένο καπάκι, θέλω τα χρήματά μου πίσω.",
        "Πόσο θα διαρκέσει η συντήρηση της δεύτερης γραμμής;",
    ),
    "ar": (
        "توقف خط الإنتاج مرة أخرى هذا الصباح ولا أحد يعرف السبب.",
        "هل يمكنكم إرسال فاتورة الشهر الماضي مرة أخرى من فضلكم؟",
        "وصل الطرد بغطاء مكسور وأريد استرداد نقودي.",
        "كم من الوقت ستستغرق صيانة الخط الثاني؟",
    ),
    "hi": (
        "आज सुबह उत्पादन लाइन फिर से रुक गई और किसी को नहीं पता क्यों।",
        "क्या आप मुझे पिछले महीने का बिल एक बार फिर भेज सकते हैं?",
        "मेरा पार्सल टूटे हुए ढक्कन के साथ आया, मुझे मेरे पैसे वापस चाहिए।",
        "दूसरी लाइन की मरम्मत में कितना समय लगेगा?",
    ),
    "zh": (
        "今天早上传送带又停了,没有人知道为什么。",
        "请再给我发一次上个月的发票好吗?",
        "我的包裹到的时候盖子是坏的,我想退款。",
        "第二条生产线的维护需要多长时间?",
    ),
    "ja": (
        "今朝またコンベヤーが止まりましたが、理由は誰にもわかりません。",
        "先月の請求書をもう一度送っていただけますか。",
        "荷物の蓋が壊れた状態で届いたので、返金してください。",
        "二番目のラインの整備にはどのくらい時間がかかりますか。",
    ),
    "ko": (
        "오늘 아침에 컨베이어가 또 멈췄는데 아무도 이유를 모릅니다.",
        "지난달 청구서를 한 번 더 보내 주시겠어요?",
        "소포가 뚜껑이 깨진 채로 도착해서 환불을 받고 싶습니다.",
        "두 번째 라인을 정비하는 데 얼마나 걸립니까?",
    ),
}
