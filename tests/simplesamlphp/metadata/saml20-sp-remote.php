<?php

// The one service provider, as it describes itself at this moment.
$text = file_get_contents(file_get_contents(getenv('PROVIDER_FOLDER') . '/service'));
$service = SimpleSAML\Metadata\SAMLParser::parseString($text)->getMetadata20SP();
$signs = getenv('PROVIDER_SIGNS');
$metadata[$service['entityid']] = [
    'validate.authnrequest' => true,
    'validate.logout' => true,
    'saml20.sign.assertion' => $signs !== 'response',
    'saml20.sign.response' => $signs !== 'assertion',
] + $service;
