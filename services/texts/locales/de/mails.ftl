# Mails. Was in { } steht, wird eingesetzt.

## Alle Mails

moment = { $day }. { $month ->
    [1] Januar
    [2] Februar
    [3] März
    [4] April
    [5] Mai
    [6] Juni
    [7] Juli
    [8] August
    [9] September
    [10] Oktober
    [11] November
   *[12] Dezember
} { $year }, { $time } Uhr UTC
link-as-text = Falls sich der Link nicht öffnen lässt, kopieren Sie diese Adresse in Ihren Browser:
sent-by-itself = Work Accounts hat diese E-Mail automatisch verschickt. Antworten darauf werden nicht gelesen.
ignore = Wenn Sie das nicht angefordert haben, können Sie diese E-Mail ignorieren.
not-you = Wenn Sie davon nichts wissen, wenden Sie sich bitte sofort an eine Administratorin oder einen Administrator Ihrer Organisation.

## Der Code, der bei der Registrierung eine Adresse bestätigt

signup-code-subject = { $code } ist Ihr Aktivierungscode
signup-code-body = Das ist Ihr Aktivierungscode für Work Accounts:
code-until = Er gilt bis { $until }.

## Registrierung mit einer Adresse, die schon ein Konto hat

already-registered-subject = Sie haben bereits ein Arbeitskonto
already-registered-body = Jemand, vermutlich Sie selbst, wollte sich mit dieser Adresse registrieren. Zu ihr gibt es bereits ein Arbeitskonto; Sie brauchen sich nur anzumelden. Falls Sie Ihr Passwort vergessen haben, können Sie dort ein neues wählen.
already-registered-action = Anmelden

## Ein Konto wurde angelegt

activation-subject = Aktivieren Sie Ihr Arbeitskonto
activation-body = „{ $organization }“ hat ein Arbeitskonto für Sie angelegt. Wählen Sie ein Passwort, um es zu aktivieren.
activation-action = Konto aktivieren
link-until = Der Link funktioniert einmal, bis { $until }.
activation-sso-subject = Ihr Arbeitskonto
activation-sso-body = „{ $organization }“ hat ein Arbeitskonto für Sie angelegt. Melden Sie sich mit der Anmeldung Ihrer Organisation an, um es zu benutzen.
activation-sso-action = Anmelden

## Ein Zertifikat eines Identitätsanbieters

certificate-subject = Ein Zertifikat von { $provider } läuft bald ab
certificate-body = Ein Zertifikat, mit dem der Identitätsanbieter „{ $provider }“ unterschreibt, läuft am { $until } ab. Tragen Sie vorher das nächste Zertifikat des Anbieters daneben ein, sonst können sich Ihre Leute vielleicht nicht mehr anmelden.

## Ein neues Passwort

password-reset-subject = Wählen Sie ein neues Passwort
password-reset-asked = Jemand, vermutlich Sie selbst, hat ein neues Passwort für Ihr Arbeitskonto angefordert.
password-reset-forced = Die Administration Ihrer Organisation bittet Sie, ein neues Passwort für Ihr Arbeitskonto zu wählen. Danach können Sie sich wieder anmelden.
password-reset-action = Neues Passwort wählen
password-reset-ignore = Wenn Sie das nicht waren, können Sie diese E-Mail ignorieren. Ihr Passwort bleibt, wie es ist.

password-changed-subject = Ihr Passwort wurde geändert
password-changed-body = Das Passwort Ihres Arbeitskontos wurde am { $at } geändert. Alle anderen Sitzungen sind beendet.

## An die bisherige Adresse eines Kontos

email-changed-subject = Ihr Arbeitskonto hat eine andere E-Mail-Adresse
email-changed-body = Die E-Mail-Adresse Ihres Arbeitskontos wurde am { $at } geändert. Ab jetzt gehen E-Mails an die neue Adresse, und Sie melden sich mit ihr an.

## An eine Verwaltungsadresse einer Domain

domain-code-subject = Code zur Bestätigung von { $domain }
domain-code-body = „{ $organization }“ möchte in Work Accounts nachweisen, dass die Domain { $domain } ihr gehört. Das ist der Code:
domain-code-warning = Geben Sie den Code nur an eine Person weiter, die diese Domain verwaltet. Wer ihn eingibt, bestimmt über die Arbeitskonten von { $domain }. Wenn Sie davon nichts wissen, ignorieren Sie diese E-Mail.

## An den Support

support-subject = Support-Anfrage: { $subject }
support-from = Von: { $name } <{ $email }>
support-organization = Organisation: { $organization } ({ $id })
support-request = Anfrage: { $id }
