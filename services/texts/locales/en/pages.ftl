# Pages for a person with only a mail and a browser. What stands in { } is filled in.

## Fields

field-email = Work email address
field-password = Password
field-new-password = New password
hint-new-password = At least 15 characters. A sentence that only you would think of is good and easy to remember.
problem-title = There is a problem

## Activating an account

activate-title = Activate your work account
activate-intro = Choose a password. You will be signed in at once.
activate-submit = Activate the account
activate-again = If the link is no longer good, ask an administrator of your organization for a new one.
link-incomplete = The link is not complete. Open it from the mail once more, or copy the whole address into the browser.

## A forgotten password

forgot-title = Forgot your password?
forgot-intro = Enter your work email address. A mail will bring you a link to choose a new password.
forgot-submit = Send the link
forgot-sent-title = Look into your mailbox
forgot-sent = If there is a work account with this address, a mail with a link is on its way. It says how long the link is good.
reset-title = Choose a new password
reset-intro = You will be signed in at once, and all other sessions end.
reset-submit = Save the password
reset-again = Ask for a new link

## Signing in

sign-in-title = Sign in
sign-in-submit = Sign in
sign-in-next = Continue
sign-in-provider = Sign in with { $provider }
sign-in-required = Your organization signs in at its identity provider.
sign-out-provider = Sign out there too
signed-out-title = You are signed out
signed-out = You can close this window.
signed-out-here = You are signed out here. Your session at the identity provider may go on.
sso-title = Single sign-on
sso-continue = Continue
sso-led-here = Another website has led you here. Continue only if you wanted to sign in to Work Accounts.
sso-refused = You could not be signed in. Ask an administrator of your organization; the event history says what was wrong.
sso-reference = Reference
sso-test-title = Test of the identity provider
sso-test-passed = Everything is as expected. You can close this window and activate the provider.
sso-test-failed = Something is not as expected. You can close this window.
account-title = Your work account
account-name = Name
account-organization = Organization
sign-out-submit = Sign out

## What can go wrong

error-REQUIRED = Fill this in.
error-TOO_LONG = This is too long.
error-INVALID_EMAIL = Enter an email address such as anna@example.com.
error-LOOK_ALIKE_DOMAIN = The domain imitates letters of another script. Enter it as its owner writes it.
error-INVALID_CHARACTERS = Remove control and invisible characters.
error-LINK_INVALID = The link is no longer good: it has expired, was used, or was replaced by a newer one.
error-PASSWORD_TOO_SHORT = Use at least 15 characters. A sentence is fine.
error-PASSWORD_TOO_LONG = Use at most 128 characters.
error-PASSWORD_TOO_COMMON = This password is easy to guess. Choose another.
error-WRONG_CREDENTIALS = Email address or password is wrong.
error-PASSWORD_RESET_REQUIRED = Choose a new password with the link that was mailed to you. If it has expired, ask for another one.
error-RATE_LIMITED = Too many attempts. Wait a little and try again.
error-BUSY = There is a lot to do right now. Try again in a moment.
error-UNAVAILABLE = This does not work at the moment. Try again a little later.
error-SINGLE_SIGN_ON_REQUIRED = Your organization signs in at its identity provider. Use that.
error-NO_PASSWORD = You sign in at the identity provider of your organization and have no password here.
error-PROVIDER_UNREACHABLE = The identity provider does not answer as it should. Try again a little later.
error-NO_ACTIVE_PROVIDER = The identity provider is not active. Ask an administrator of your organization.
error-EXPIRED = It took too long. Begin again.
error-NOT_FOUND = There is nothing here.
error-foreign-form = The form was not sent from this page. Try once more from here.
error-other = This did not work. Begin again.
