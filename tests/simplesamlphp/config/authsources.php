<?php

$config = [
    'people' => [
        'exampleauth:UserPass',
        'anna:secret' => ['email' => ['anna@northwind.example']],
        'ben:secret' => ['email' => ['ben@northwind.example']],
    ],
];
