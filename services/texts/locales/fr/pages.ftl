# Pages pour qui n’a qu’un courriel et un navigateur. Ce qui figure entre { } est rempli.

## Champs

field-email = Adresse électronique professionnelle
field-password = Mot de passe
field-new-password = Nouveau mot de passe
hint-new-password = Au moins 15 caractères. Une phrase à laquelle personne d’autre ne penserait convient bien et se retient facilement.
problem-title = Il y a un problème

## Activer un compte

activate-title = Activez votre compte professionnel
activate-intro = Choisissez un mot de passe. La connexion se fera aussitôt.
activate-submit = Activer le compte
activate-again = Si le lien n’est plus valable, demandez-en un nouveau à un administrateur de votre organisation.
link-incomplete = Le lien est incomplet. Ouvrez-le à nouveau depuis le courriel, ou copiez l’adresse entière dans le navigateur.

## Un mot de passe oublié

forgot-title = Mot de passe oublié ?
forgot-intro = Saisissez votre adresse électronique professionnelle. Vous recevrez par courriel un lien pour choisir un nouveau mot de passe.
forgot-submit = Envoyer le lien
forgot-sent-title = Consultez votre messagerie
forgot-sent = Si un compte professionnel correspond à cette adresse, un courriel avec un lien est en route. Il indique combien de temps le lien est valable.
reset-title = Choisissez un nouveau mot de passe
reset-intro = La connexion se fera aussitôt, et toutes les autres sessions seront fermées.
reset-submit = Enregistrer le mot de passe
reset-again = Demander un nouveau lien

## Se connecter

sign-in-title = Connexion
sign-in-submit = Se connecter
sign-in-next = Continuer
sign-in-provider = Se connecter avec { $provider }
sign-in-required = Votre organisation se connecte auprès de son fournisseur d’identité.
sign-out-provider = Se déconnecter là-bas aussi
signed-out-title = Vous êtes déconnecté
signed-out = Vous pouvez fermer cette fenêtre.
signed-out-here = Vous êtes déconnecté ici. Votre session auprès du fournisseur d’identité est peut-être encore ouverte.
sso-title = Authentification unique
sso-continue = Continuer
sso-led-here = Un autre site web vous a amené ici. Continuez seulement si vous vouliez vous connecter à Work Accounts.
sso-refused = La connexion n’a pas abouti. Adressez-vous à l’administration de votre organisation ; l’historique des événements dit ce qui n’allait pas.
sso-reference = Référence
sso-test-title = Test du fournisseur d’identité
sso-test-passed = Tout est comme prévu. Vous pouvez fermer cette fenêtre et activer le fournisseur.
sso-test-failed = Quelque chose n’est pas comme prévu. Vous pouvez fermer cette fenêtre.
account-title = Votre compte professionnel
account-name = Nom
account-organization = Organisation
sign-out-submit = Se déconnecter

## Ce qui peut mal se passer

error-REQUIRED = Remplissez ce champ.
error-TOO_LONG = C’est trop long.
error-INVALID_EMAIL = Saisissez une adresse électronique telle que anna@example.com.
error-LOOK_ALIKE_DOMAIN = Le domaine imite des lettres d’une autre écriture. Saisissez-le comme son propriétaire l’écrit.
error-INVALID_CHARACTERS = Supprimez les caractères de contrôle et les caractères invisibles.
error-LINK_INVALID = Le lien n’est plus valable : il a expiré, a déjà servi ou a été remplacé par un plus récent.
error-PASSWORD_TOO_SHORT = Utilisez au moins 15 caractères. Une phrase convient.
error-PASSWORD_TOO_LONG = Utilisez au plus 128 caractères.
error-PASSWORD_TOO_COMMON = Ce mot de passe est facile à deviner. Choisissez-en un autre.
error-WRONG_CREDENTIALS = L’adresse électronique ou le mot de passe est incorrect.
error-PASSWORD_RESET_REQUIRED = Choisissez un nouveau mot de passe avec le lien que vous avez reçu par courriel. S’il a expiré, demandez-en un autre.
error-RATE_LIMITED = Trop de tentatives. Patientez un peu, puis réessayez.
error-BUSY = Il y a beaucoup à faire en ce moment. Réessayez dans un instant.
error-UNAVAILABLE = Cela ne fonctionne pas pour le moment. Réessayez un peu plus tard.
error-SINGLE_SIGN_ON_REQUIRED = Votre organisation se connecte auprès de son fournisseur d’identité. Utilisez-le.
error-NO_PASSWORD = Vous vous connectez auprès du fournisseur d’identité de votre organisation et n’avez pas de mot de passe ici.
error-PROVIDER_UNREACHABLE = Le fournisseur d’identité ne répond pas comme il le devrait. Réessayez un peu plus tard.
error-NO_ACTIVE_PROVIDER = Le fournisseur d’identité n’est pas actif. Adressez-vous à l’administration de votre organisation.
error-EXPIRED = Cela a pris trop de temps. Recommencez.
error-NOT_FOUND = Il n’y a rien ici.
error-foreign-form = Le formulaire n’a pas été envoyé depuis cette page. Réessayez à partir d’ici.
error-other = Cela n’a pas fonctionné. Recommencez.
