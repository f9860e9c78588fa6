"""The words by which columns are understood, in English, German and Chinese, and the known scales of urgency."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


STAFF, NUMBER = "a member of staff", "a number of a person"
# what -> a word of the column's name is one of these, or the name without separators holds one of the longer ones
PERSONS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "a name": (
        _words(
            "name names surname forename given family maiden initials nok kin guardian contact "
            "rufname zuname initialen kontakt betreuer betreuerin vormund nom prenom "
            "姓 名"
        ),
        _words(
            "firstname lastname fullname patientname nextofkin emergencycontact contactperson "
            "vorname nachname familienname geburtsname mädchenname maedchenname ehename patientenname "
            "angehörige angehoerige notfallkontakt kontaktperson ansprechpartner bezugsperson "
            "erziehungsberechtigt sorgeberechtigt ehepartner "
            "姓名 名字 患者名 曾用名 联系人 紧急联系 家属 亲属 监护人 家长 配偶"
        ),
    ),
    "a birth date": (
        _words("dob birth birthday born geb gebdat gebdatum geboren"),
        _words("birthdate dateofbirth gebdatum geburt 出生 生日"),
    ),
    "an address": (
        _words("address street city town zip zipcode postcode postal residence adresse plz ort wohnung"),
        _words(
            "homeaddress postalcode "
            "adresse anschrift straße strasse hausnummer hausnr wohnort wohnhaft postleitzahl "
            "地址 住址 居住地 现居 常住地 邮编 邮政编码 籍贯 户口 户籍 街道 工作单位"
        ),
    ),
    "a telephone": (
        _words("phone telephone tel mobile cell cellphone fax qq wechat handy handynr mobil"),
        _words("phonenumber telefon handynummer mobilnummer mobilnr 电话 手机 联系方式 座机 微信"),
    ),
    "an e-mail address": (_words("email mail"), _words("emailaddress 邮箱 邮件 电邮")),
    "an insurance": (
        _words("insurance insurer payer payor kvnr kvnummer krankenkasse kasse kostenträger"),
        _words(
            "insurancenumber versichertennummer versichertennr versichertenid versicherungsn krankenkasse "
            "krankenversicher sozialversicher kostenträger kostentraeger 医保 社保 医疗保险 社会保障"
        ),
    ),
    NUMBER: (
        _words("mrn ssn nhs passport accession account chi pid aadhaar reisepass ausweis aktenzeichen pseudonym"),
        _words(
            "medicalrecord patientid patientnumber socialsecurity accessionnumber unitnumber hospitalnumber "
            "patientennummer patientennr patientenid patid patnr fallnummer fallnr fallid "
            "aufnahmenummer aufnahmenr aktennummer personalausweis reisepass ausweisnummer steuerid "
            "身份证 证件 护照 病历号 病案号 住院号 门诊号 急诊号 就诊号 就诊卡 健康卡 银行卡 "
            "登记号 检查号 影像号 床号"
        ),
    ),
    STAFF: (
        _words(
            "physician doctor nurse operator referrer radiologist clinician consultant gp surgeon signature "
            "pfleger pflegerin pflegekraft schwester radiologe radiologin unterschrift"
        ),
        _words(
            "referringphysician arzt ärzt aerzt krankenschwester behandler zuweiser einweiser "
            "untersucher befunder operateur "
            "医生 医师 护士 大夫 技师 主治 主管医 经治 操作员 审核人 录入人 签名 签字 工号"
        ),
    ),
}
# Words that mean something else as well: they name a person unless the cells, or a word beside them, contradict.
WEAK = PERSONS[STAFF][0] | PERSONS[STAFF][1] | {"account", "birth", "geburt", "ort", "出生", "家属", "亲属"}
WEAK_OF_READINGS = _words("given family contact kontakt cell mobile mobil handy chi")
BESIDE = _words(  # beside a weak word they say that it is about the patient's state: family history, given fluids
    "age sex gender alter geschlecht history hx anamnesis anamnese count counts fluid fluids drug drugs "
    "medication medications dose antibiotic antibiotics treatment therapy therapie weight height length "
    "bmi temperature temp pulse pressure complaint complaints symptom symptoms beschwerden condition "
    "visit visits status position site score scale pain severity apgar gewicht läsion schmerz schmerzen verletzung "
    "infektion"
)
BESIDE_PARTS = ("gewicht", "größe", "anamnese", "modus", "年龄", "性别", "体重", "身长", "身高", "病史", "遗传史")
NOTES = _words("note notes remark remarks comment comments bericht brief bemerkung notiz vermerk 记录 备注 病程 小结")
NUMBERING = _words("id ids no nr num number nummer kennung code key record mrn identifier")
# what is called by name and is nobody: drug name, name of drug
THINGS = "drug|medication|medicine|antibiotic|test|procedure|organism|product|device|file|image"

# How and where a case was recorded, not how the patient is: what a model takes for illness where it can (Zech et al.
# 2018, PLoS Medicine 15, e1002683). Told apart as subgroups, never read as inputs.
CIRCUMSTANCE = _words(
    "view projection position site hospital ward clinic centre center scanner device manufacturer station vendor "
    "modality source split fold licence license url filename file folder path "
    "haus klinik krankenhaus standort abteilung fachabteilung gerät geraet hersteller projektion strahlengang quelle "
    "datei dateiname ordner pfad "
    "医院 院区 科室 病区 病房 机构 设备 机型 厂商 厂家 体位 投照 来源 文件名 路径 网址 链接 数据集 划分"
)
# Circumstances by themselves and beside words of recording alone: Oxygen device and 感染来源 are the patient's.
DOUBTFUL = _words(
    "position site centre center device station modality source split fold gerät geraet quelle 设备 体位 来源 机构 划分"
)
ADDRESSES, ORIGINS = _words("url 网址 链接"), _words("source 来源")  # both: where a picture was taken from
RECORDING = _words(
    "id ids no nr num number code key name type model serial version data dataset image images imaging picture scan "
    "scans xray x ray cxr ct mri mr us chest study trial hospital view record recording acquisition recruiting "
    "recruitment enrolment enrollment collection referral admission file cv train test patient detector of the machine "
    "portable film beam cohort publication institution country region treating provider exam examination camera "
    "bild bilder röntgen daten studie aufnahme "
    "数据 图像 影像 检查 扫描 病例 样本 拍摄 采集 摄影 胸片 医院 名称 编号 型号 类型 放射 成像 就诊 患者 的"
)
SIZES = ("width", "height")  # of a picture: the two side by side, or of an image by name
PICTURES = _words("image picture photo scan xray pixel pixels px")
LATER = _words(  # what is known only after the case was dealt with
    "label labels finding findings diagnosis outcome outcomes survival survived died death dead mortality discharge "
    "disposition icu intubated intubation ventilated ventilation admitted readmission los target "
    "diagnose entlassung entlassungsdatum entlassdiagnose verstorben tod todesdatum mortalität überlebt liegedauer "
    "verweildauer intensivstation beatmet intubiert verlegung "
    "标签 标注 诊断 所见 结局 转归 死亡 存活 出院 离院 去向 再入院 住院天数 住院时长 插管 机械通气 重症监护"
)
NOT_LATER = {  # a word of LATER -> what beside it says that it is known at once
    "ventilation": _words("rate minute volume frequency"),
    "discharge": _words("vaginal wound ear nasal eye urethral nipple purulent"),
    "target": _words("saturation sat pressure rate inr"),
    "dead": _words("space"),
    "los": _words("angeles"),
}
EARLIER = _words("previous prior past history hx")
OF_PATIENTS = _words("sex gender age geschlecht alter 性别 年龄")
SLICED = _words("view projection site hospital centre center haus 体位 院区 医院 机构")
# words of the name of an answer that mean nothing
PLAIN = frozenset(["label", "labels", "target", "outcome", "y", "is", "has"])
ORDERS = (  # from least to most urgent; three labels or more of one are in its order, two where the two stand here
    ("routine", "urgent", "emergency"),
    ("routine", "soon", "urgent"),
    ("non-urgent", "less urgent", "urgent", "emergent", "resuscitation"),
    ("non-urgent", "standard", "urgent", "very urgent", "immediate"),  # Manchester
    ("blue", "green", "yellow", "orange", "red"),
    ("normal", "urgent", "critical"),
    ("low", "medium", "high", "critical"),
    ("low", "moderate", "high", "critical"),
    ("routine", "urgent"),
    ("low", "high"),
    ("nicht dringend", "normal", "dringend", "sehr dringend", "sofort"),  # Manchester
    ("nicht dringend", "normal", "dringend", "sehr dringend", "notfall"),
    ("routine", "dringend", "sofort"),
    ("routine", "dringend", "notfall"),
    ("elektiv", "dringlich", "notfall"),
    ("routine", "dringlich", "notfall"),
    ("blau", "grün", "gelb", "orange", "rot"),
    ("niedrig", "mittel", "hoch", "sehr hoch"),
    ("gering", "mittel", "hoch"),
    ("leicht", "mittel", "schwer"),
    ("leicht", "mittelschwer", "schwer"),
    ("nicht dringend", "dringend"),
    ("normal", "dringend"),
    ("normal", "notfall"),
    ("routine", "dringend"),
    ("niedrig", "hoch"),
    ("常规", "紧急", "危急"),
    ("一般", "紧急", "危急"),
    ("不紧急", "紧急", "非常紧急"),
    ("非急症", "急症", "危重", "濒危"),
    ("低", "中", "高"),
    ("低危", "中危", "高危", "极高危"),
    ("轻度", "中度", "重度"),
    ("蓝", "绿", "黄", "橙", "红"),
    ("蓝色", "绿色", "黄色", "橙色", "红色"),
    ("普通", "加急", "特急"),
    ("常规", "紧急"),
    ("普通", "紧急"),
)
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})  # many a German table has them written so
