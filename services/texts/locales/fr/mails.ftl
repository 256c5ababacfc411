# Courriels. Ce qui figure entre { } est rempli.

## Tous les courriels

moment = { $day } { $month ->
    [1] janvier
    [2] février
    [3] mars
    [4] avril
    [5] mai
    [6] juin
    [7] juillet
    [8] août
    [9] septembre
    [10] octobre
    [11] novembre
   *[12] décembre
} { $year } à { $time } UTC
link-as-text = Si le lien ne s’ouvre pas, copiez cette adresse dans votre navigateur :
sent-by-itself = Work Accounts a envoyé ce courriel automatiquement. Les réponses ne sont pas lues.
ignore = Si vous n’êtes pas à l’origine de cette demande, vous pouvez ignorer ce courriel.
not-you = Si vous n’en savez rien, prévenez immédiatement un administrateur de votre organisation.

## Le code qui confirme une adresse lors de l’inscription

signup-code-subject = { $code } est votre code d’activation
signup-code-body = Voici votre code d’activation pour Work Accounts :
code-until = Il est valable jusqu’au { $until }.

## Inscription avec une adresse qui a déjà un compte

already-registered-subject = Vous avez déjà un compte professionnel
already-registered-body = Quelqu’un, probablement vous, a voulu s’inscrire avec cette adresse. Un compte professionnel y est déjà associé ; il vous suffit de vous connecter. Si vous avez oublié votre mot de passe, vous pourrez en choisir un nouveau.
already-registered-action = Se connecter

## Un compte a été créé

activation-subject = Activez votre compte professionnel
activation-body = « { $organization } » a créé un compte professionnel pour vous. Choisissez un mot de passe pour l’activer.
activation-action = Activer le compte
link-until = Le lien fonctionne une seule fois, jusqu’au { $until }.
activation-sso-subject = Votre compte professionnel
activation-sso-body = « { $organization } » a créé un compte professionnel pour vous. Connectez-vous avec l’identifiant de votre organisation pour l’utiliser.
activation-sso-action = Se connecter

## Un certificat d’un fournisseur d’identité

certificate-subject = Un certificat de { $provider } expire bientôt
certificate-body = Un certificat avec lequel le fournisseur d’identité « { $provider } » signe expire le { $until }. Ajoutez d’ici là le prochain certificat du fournisseur, sans quoi la connexion pourrait ne plus fonctionner.

## Un nouveau mot de passe

password-reset-subject = Choisissez un nouveau mot de passe
password-reset-asked = Quelqu’un, probablement vous, a demandé un nouveau mot de passe pour votre compte professionnel.
password-reset-forced = Un administrateur de votre organisation vous demande de choisir un nouveau mot de passe pour votre compte professionnel. Vous pourrez ensuite vous reconnecter.
password-reset-action = Choisir un nouveau mot de passe
password-reset-ignore = Si ce n’était pas vous, vous pouvez ignorer ce courriel. Votre mot de passe reste inchangé.

password-changed-subject = Votre mot de passe a été modifié
password-changed-body = Le mot de passe de votre compte professionnel a été modifié le { $at }. Toutes les autres sessions ont été fermées.

## À l’adresse qu’un compte avait jusqu’ici

email-changed-subject = Votre compte professionnel a une autre adresse électronique
email-changed-body = L’adresse électronique de votre compte professionnel a été modifiée le { $at }. Désormais, les courriels sont envoyés à la nouvelle adresse et vous vous connectez avec elle.

## À une adresse administrative d’un domaine

domain-code-subject = Code de vérification de { $domain }
domain-code-body = « { $organization } » souhaite prouver dans Work Accounts que le domaine { $domain } lui appartient. Voici le code :
domain-code-warning = Ne transmettez ce code qu’à une personne qui gère ce domaine. Quiconque le saisit décide des comptes professionnels de { $domain }. Si vous n’en savez rien, ignorez ce courriel.

## À l’assistance

support-subject = Demande d’assistance : { $subject }
support-from = De : { $name } <{ $email }>
support-organization = Organisation : { $organization } ({ $id })
support-request = Demande : { $id }
