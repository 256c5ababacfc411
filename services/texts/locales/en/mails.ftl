# Mails. What stands in { } is filled in.

## All mails

moment = { $day } { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
} { $year }, { $time } UTC
link-as-text = If the link does not open, copy this address into your browser:
sent-by-itself = Work Accounts sent this mail by itself. Replies to it are not read.
ignore = If you did not ask for it, you can ignore this mail.
not-you = If you do not know about this, tell an administrator of your organization at once.

## The code that confirms an address at sign-up

signup-code-subject = { $code } is your activation code
signup-code-body = This is your activation code for Work Accounts:
code-until = It is good until { $until }.

## Sign-up with an address that has an account

already-registered-subject = You have a work account already
already-registered-body = Somebody, probably you, wanted to sign up with this address. It has a work account already, so you only need to sign in. If you forgot your password, you can choose a new one there.
already-registered-action = Sign in

## An admin added the person

activation-subject = Activate your work account
activation-body = “{ $organization }” has added a work account for you. Choose a password to activate it.
activation-action = Activate the account
link-until = The link works once, until { $until }.
activation-sso-subject = Your work account
activation-sso-body = “{ $organization }” has added a work account for you. Sign in with your organization’s login to use it.
activation-sso-action = Sign in

## A certificate of an identity provider

certificate-subject = A certificate of { $provider } ends soon
certificate-body = A certificate with which the identity provider “{ $provider }” signs ends on { $until }. Enter the provider’s next certificate beside it before then, or people may not be able to sign in any more.

## A new password

password-reset-subject = Choose a new password
password-reset-asked = Somebody, probably you, asked for a new password for your work account.
password-reset-forced = An administrator of your organization asks you to choose a new password for your work account. You can sign in again afterwards.
password-reset-action = Choose a new password
password-reset-ignore = If it was not you, you can ignore this mail. Your password stays as it is.

password-changed-subject = Your password was changed
password-changed-body = The password of your work account was changed on { $at }. All other sessions have ended.

## To the address that an account had until now

email-changed-subject = Your work account has another email address
email-changed-body = The email address of your work account was changed on { $at }. From now on, mails go to the new address and you sign in with it.

## To an administrative address of a domain

domain-code-subject = Code to verify { $domain }
domain-code-body = “{ $organization }” wants to verify in Work Accounts that the domain { $domain } is theirs. This is the code:
domain-code-warning = Pass the code on only to somebody who manages this domain. Whoever enters it decides about the work accounts of { $domain }. If you do not know about this, ignore this mail.

## To the support

support-subject = Support request: { $subject }
support-from = From: { $name } <{ $email }>
support-organization = Organization: { $organization } ({ $id })
support-request = Request: { $id }
