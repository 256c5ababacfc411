<?php

$folder = getenv('PROVIDER_FOLDER');
$config = [
    'baseurlpath' => getenv('PROVIDER_ORIGIN') . '/',
    'certdir' => $folder . '/',
    'loggingdir' => $folder . '/',
    'datadir' => $folder . '/',
    'tempdir' => $folder . '/temporary',
    'metadatadir' => dirname(__DIR__) . '/metadata/',
    'secretsalt' => hash_file('sha256', $folder . '/provider.key'),
    'auth.adminpassword' => bin2hex(random_bytes(16)),
    'technicalcontact_name' => 'Nobody',
    'technicalcontact_email' => 'nobody@northwind.example',
    'timezone' => 'UTC',
    // Whoever logs out may be sent anywhere.
    'trusted.url.domains' => null,
    'logging.handler' => 'stderr',
    'logging.level' => SimpleSAML\Logger::WARNING,
    'errorreporting' => false,
    'enable.saml20-idp' => true,
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'store.type' => 'sql',
    'store.sql.dsn' => 'sqlite:' . $folder . '/store.sqlite',
    // Without TLS no cookie is secure.
    'session.cookie.secure' => false,
    'session.cookie.samesite' => 'Lax',
    'language.cookie.secure' => false,
    'language.cookie.samesite' => 'Lax',
    'language.available' => ['en'],
    'language.default' => 'en',
    'metadata.sources' => [['type' => 'flatfile']],
];
