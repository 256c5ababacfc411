<?php

// In front of SimpleSAMLphp: which service provider it knows can be changed while it runs.
if ($_SERVER['REQUEST_METHOD'] === 'POST' && $_SERVER['REQUEST_URI'] === '/control/service') {
    $asked = json_decode(file_get_contents('php://input'), true);
    file_put_contents(getenv('PROVIDER_FOLDER') . '/service', $asked['metadata']);
    header('Content-Type: application/json');
    echo '{}';
    return true;
}
return false;
