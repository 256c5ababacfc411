<?php

use SAML2\Constants;

$bindings = [Constants::BINDING_HTTP_REDIRECT, Constants::BINDING_HTTP_POST];
$metadata[getenv('PROVIDER_ORIGIN') . '/saml2/idp/metadata.php'] = [
    'host' => '__DEFAULT__',
    'auth' => 'people',
    'privatekey' => 'provider.key',
    'certificate' => 'provider.crt',
    'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    'SingleSignOnServiceBinding' => $bindings,
    'SingleLogoutServiceBinding' => $bindings,
    'NameIDFormat' => Constants::NAMEID_EMAIL_ADDRESS,
    'authproc' => [
        10 => ['class' => 'saml:AttributeNameID', 'attribute' => 'email', 'Format' => Constants::NAMEID_EMAIL_ADDRESS],
    ],
    // What comes has to be signed, whatever the service says of itself.
    'validate.authnrequest' => true,
    'validate.logout' => true,
    'redirect.validate' => true,
    'sign.logout' => true,
];
