# Correos. Lo que figura entre { } se rellena.

## Todos los correos

moment = { $day } de { $month ->
    [1] enero
    [2] febrero
    [3] marzo
    [4] abril
    [5] mayo
    [6] junio
    [7] julio
    [8] agosto
    [9] septiembre
    [10] octubre
    [11] noviembre
   *[12] diciembre
} de { $year }, { $time } UTC
link-as-text = Si el enlace no se abre, copie esta dirección en su navegador:
sent-by-itself = Work Accounts ha enviado este correo automáticamente. Las respuestas no se leen.
ignore = Si usted no lo ha solicitado, puede ignorar este correo.
not-you = Si usted no sabe nada de esto, avise de inmediato a un administrador de su organización.

## El código que confirma una dirección en el registro

signup-code-subject = { $code } es su código de activación
signup-code-body = Este es su código de activación de Work Accounts:
code-until = Es válido hasta el { $until }.

## Registro con una dirección que ya tiene cuenta

already-registered-subject = Usted ya tiene una cuenta de trabajo
already-registered-body = Alguien, probablemente usted, ha querido registrarse con esta dirección. Ya existe una cuenta de trabajo con ella, así que solo tiene que iniciar sesión. Si ha olvidado su contraseña, allí podrá elegir una nueva.
already-registered-action = Iniciar sesión

## Se ha creado una cuenta

activation-subject = Active su cuenta de trabajo
activation-body = «{ $organization }» ha creado una cuenta de trabajo para usted. Elija una contraseña para activarla.
activation-action = Activar la cuenta
link-until = El enlace funciona una sola vez, hasta el { $until }.
activation-sso-subject = Su cuenta de trabajo
activation-sso-body = «{ $organization }» ha creado una cuenta de trabajo para usted. Inicie sesión con el acceso de su organización para usarla.
activation-sso-action = Iniciar sesión

## Un certificado de un proveedor de identidad

certificate-subject = Un certificado de { $provider } caduca pronto
certificate-body = Un certificado con el que firma el proveedor de identidad «{ $provider }» caduca el { $until }. Añada antes el siguiente certificado del proveedor; si no, quizá ya no se pueda iniciar sesión.

## Una contraseña nueva

password-reset-subject = Elija una contraseña nueva
password-reset-asked = Alguien, probablemente usted, ha solicitado una contraseña nueva para su cuenta de trabajo.
password-reset-forced = Un administrador de su organización le pide que elija una contraseña nueva para su cuenta de trabajo. Después podrá volver a iniciar sesión.
password-reset-action = Elegir una contraseña nueva
password-reset-ignore = Si no ha sido usted, puede ignorar este correo. Su contraseña no cambia.

password-changed-subject = Su contraseña ha cambiado
password-changed-body = La contraseña de su cuenta de trabajo se cambió el { $at }. Todas las demás sesiones se han cerrado.

## A la dirección que tenía una cuenta hasta ahora

email-changed-subject = Su cuenta de trabajo tiene otra dirección de correo
email-changed-body = La dirección de correo de su cuenta de trabajo se cambió el { $at }. A partir de ahora, los correos llegan a la nueva dirección y usted inicia sesión con ella.

## A una dirección administrativa de un dominio

domain-code-subject = Código para verificar { $domain }
domain-code-body = «{ $organization }» quiere demostrar en Work Accounts que el dominio { $domain } le pertenece. Este es el código:
domain-code-warning = Facilite el código únicamente a quien administre este dominio. Quien lo introduzca decidirá sobre las cuentas de trabajo de { $domain }. Si usted no sabe nada de esto, ignore este correo.

## Al servicio de asistencia

support-subject = Solicitud de asistencia: { $subject }
support-from = De: { $name } <{ $email }>
support-organization = Organización: { $organization } ({ $id })
support-request = Solicitud: { $id }
