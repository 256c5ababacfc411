# Seiten für alle, die nur eine E-Mail und einen Browser haben. Was in { } steht, wird eingesetzt.

## Felder

field-email = Geschäftliche E-Mail-Adresse
field-password = Passwort
field-new-password = Neues Passwort
hint-new-password = Mindestens 15 Zeichen. Ein Satz, auf den nur Sie kommen würden, ist gut und leicht zu merken.
problem-title = Es gibt ein Problem

## Ein Konto aktivieren

activate-title = Aktivieren Sie Ihr Arbeitskonto
activate-intro = Wählen Sie ein Passwort. Sie werden sofort angemeldet.
activate-submit = Konto aktivieren
activate-again = Falls der Link nicht mehr gilt, bitten Sie die Administration Ihrer Organisation um einen neuen.
link-incomplete = Der Link ist unvollständig. Öffnen Sie ihn noch einmal aus der E-Mail, oder kopieren Sie die ganze Adresse in den Browser.

## Ein vergessenes Passwort

forgot-title = Passwort vergessen?
forgot-intro = Geben Sie Ihre geschäftliche E-Mail-Adresse ein. Sie erhalten per E-Mail einen Link, mit dem Sie ein neues Passwort wählen können.
forgot-submit = Link senden
forgot-sent-title = Sehen Sie in Ihr Postfach
forgot-sent = Wenn es zu dieser Adresse ein Arbeitskonto gibt, ist eine E-Mail mit einem Link unterwegs. Darin steht, wie lange er gilt.
reset-title = Wählen Sie ein neues Passwort
reset-intro = Sie werden sofort angemeldet, und alle anderen Sitzungen enden.
reset-submit = Passwort speichern
reset-again = Neuen Link anfordern

## Anmelden

sign-in-title = Anmelden
sign-in-submit = Anmelden
sign-in-next = Weiter
sign-in-provider = Mit { $provider } anmelden
sign-in-required = Ihre Organisation meldet sich bei ihrem Identitätsanbieter an.
sign-out-provider = Auch dort abmelden
signed-out-title = Sie sind abgemeldet
signed-out = Sie können dieses Fenster schließen.
signed-out-here = Sie sind hier abgemeldet. Ihre Sitzung beim Identitätsanbieter besteht vielleicht noch.
sso-title = Single Sign-on
sso-continue = Weiter
sso-led-here = Eine andere Website hat Sie hierher geführt. Fahren Sie nur fort, wenn Sie sich bei Work Accounts anmelden wollten.
sso-refused = Sie konnten nicht angemeldet werden. Fragen Sie die Administration Ihrer Organisation; im Ereignisverlauf steht, was nicht stimmte.
sso-reference = Kennung
sso-test-title = Test des Identitätsanbieters
sso-test-passed = Alles ist wie erwartet. Sie können dieses Fenster schließen und den Anbieter aktivieren.
sso-test-failed = Etwas ist nicht wie erwartet. Sie können dieses Fenster schließen.
account-title = Ihr Arbeitskonto
account-name = Name
account-organization = Organisation
sign-out-submit = Abmelden

## Was schiefgehen kann

error-REQUIRED = Füllen Sie dieses Feld aus.
error-TOO_LONG = Das ist zu lang.
error-INVALID_EMAIL = Geben Sie eine E-Mail-Adresse wie anna@example.com ein.
error-LOOK_ALIKE_DOMAIN = Die Domain ahmt Buchstaben einer anderen Schrift nach. Geben Sie sie so ein, wie ihr Inhaber sie schreibt.
error-INVALID_CHARACTERS = Entfernen Sie Steuerzeichen und unsichtbare Zeichen.
error-LINK_INVALID = Der Link gilt nicht mehr: Er ist abgelaufen, wurde schon benutzt oder durch einen neueren ersetzt.
error-PASSWORD_TOO_SHORT = Verwenden Sie mindestens 15 Zeichen. Ein Satz ist in Ordnung.
error-PASSWORD_TOO_LONG = Verwenden Sie höchstens 128 Zeichen.
error-PASSWORD_TOO_COMMON = Dieses Passwort ist leicht zu erraten. Wählen Sie ein anderes.
error-WRONG_CREDENTIALS = E-Mail-Adresse oder Passwort ist falsch.
error-PASSWORD_RESET_REQUIRED = Wählen Sie ein neues Passwort mit dem Link, den Sie per E-Mail erhalten haben. Falls er abgelaufen ist, fordern Sie einen neuen an.
error-RATE_LIMITED = Zu viele Versuche. Warten Sie ein wenig, und versuchen Sie es dann noch einmal.
error-BUSY = Im Augenblick ist viel los. Versuchen Sie es gleich noch einmal.
error-UNAVAILABLE = Das geht im Augenblick nicht. Versuchen Sie es etwas später noch einmal.
error-SINGLE_SIGN_ON_REQUIRED = Ihre Organisation meldet sich bei ihrem Identitätsanbieter an. Melden Sie sich dort an.
error-NO_PASSWORD = Sie melden sich beim Identitätsanbieter Ihrer Organisation an und haben hier kein Passwort.
error-PROVIDER_UNREACHABLE = Der Identitätsanbieter antwortet nicht wie erwartet. Versuchen Sie es etwas später noch einmal.
error-NO_ACTIVE_PROVIDER = Der Identitätsanbieter ist nicht aktiv. Fragen Sie die Administration Ihrer Organisation.
error-EXPIRED = Es hat zu lange gedauert. Beginnen Sie noch einmal von vorn.
error-NOT_FOUND = Hier ist nichts.
error-foreign-form = Das Formular wurde nicht von dieser Seite abgeschickt. Versuchen Sie es von hier aus noch einmal.
error-other = Das hat nicht geklappt. Beginnen Sie noch einmal von vorn.
