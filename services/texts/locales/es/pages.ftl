# Páginas para quien solo tiene un correo y un navegador. Lo que figura entre { } se rellena.

## Campos

field-email = Dirección de correo de trabajo
field-password = Contraseña
field-new-password = Contraseña nueva
hint-new-password = Al menos 15 caracteres. Una frase que solo se le ocurriría a usted es segura y fácil de recordar.
problem-title = Hay un problema

## Activar una cuenta

activate-title = Active su cuenta de trabajo
activate-intro = Elija una contraseña. La sesión se iniciará de inmediato.
activate-submit = Activar la cuenta
activate-again = Si el enlace ya no es válido, pida uno nuevo a un administrador de su organización.
link-incomplete = El enlace está incompleto. Ábralo de nuevo desde el correo o copie la dirección entera en el navegador.

## Una contraseña olvidada

forgot-title = ¿Ha olvidado su contraseña?
forgot-intro = Introduzca su dirección de correo de trabajo. Recibirá un correo con un enlace para elegir una contraseña nueva.
forgot-submit = Enviar el enlace
forgot-sent-title = Consulte su correo
forgot-sent = Si existe una cuenta de trabajo con esta dirección, ya está en camino un correo con un enlace. En él se indica hasta cuándo es válido.
reset-title = Elija una contraseña nueva
reset-intro = La sesión se iniciará de inmediato y se cerrarán todas las demás.
reset-submit = Guardar la contraseña
reset-again = Pedir un enlace nuevo

## Iniciar sesión

sign-in-title = Iniciar sesión
sign-in-submit = Iniciar sesión
sign-in-next = Continuar
sign-in-provider = Iniciar sesión con { $provider }
sign-in-required = Su organización inicia sesión en su proveedor de identidad.
sign-out-provider = Cerrar sesión también allí
signed-out-title = Ha cerrado la sesión
signed-out = Puede cerrar esta ventana.
signed-out-here = Ha cerrado la sesión aquí. Su sesión en el proveedor de identidad quizá siga abierta.
sso-title = Inicio de sesión único
sso-continue = Continuar
sso-led-here = Otro sitio web le ha traído hasta aquí. Continúe solo si quería iniciar sesión en Work Accounts.
sso-refused = No se ha podido iniciar la sesión. Pregunte a la administración de su organización; el historial de eventos dice qué falló.
sso-reference = Referencia
sso-test-title = Prueba del proveedor de identidad
sso-test-passed = Todo es como se esperaba. Puede cerrar esta ventana y activar el proveedor.
sso-test-failed = Algo no es como se esperaba. Puede cerrar esta ventana.
account-title = Su cuenta de trabajo
account-name = Nombre
account-organization = Organización
sign-out-submit = Cerrar sesión

## Lo que puede fallar

error-REQUIRED = Rellene este campo.
error-TOO_LONG = Es demasiado largo.
error-INVALID_EMAIL = Introduzca una dirección de correo como anna@example.com.
error-LOOK_ALIKE_DOMAIN = El dominio imita letras de otra escritura. Introdúzcalo como lo escribe su propietario.
error-INVALID_CHARACTERS = Elimine los caracteres de control y los caracteres invisibles.
error-LINK_INVALID = El enlace ya no es válido: ha caducado, ya se ha usado o se ha sustituido por uno más reciente.
error-PASSWORD_TOO_SHORT = Use al menos 15 caracteres. Puede ser una frase.
error-PASSWORD_TOO_LONG = Use como máximo 128 caracteres.
error-PASSWORD_TOO_COMMON = Esta contraseña es fácil de adivinar. Elija otra.
error-WRONG_CREDENTIALS = La dirección de correo o la contraseña no es correcta.
error-PASSWORD_RESET_REQUIRED = Elija una contraseña nueva con el enlace que ha recibido por correo. Si ha caducado, pida otro.
error-RATE_LIMITED = Demasiados intentos. Espere un poco y vuelva a intentarlo.
error-BUSY = Ahora mismo hay mucho que hacer. Vuelva a intentarlo dentro de un momento.
error-UNAVAILABLE = Esto no funciona en este momento. Vuelva a intentarlo un poco más tarde.
error-SINGLE_SIGN_ON_REQUIRED = Su organización inicia sesión en su proveedor de identidad. Utilícelo.
error-NO_PASSWORD = Usted inicia sesión en el proveedor de identidad de su organización y aquí no tiene contraseña.
error-PROVIDER_UNREACHABLE = El proveedor de identidad no responde como debería. Inténtelo de nuevo un poco más tarde.
error-NO_ACTIVE_PROVIDER = El proveedor de identidad no está activo. Pregunte a la administración de su organización.
error-EXPIRED = Ha tardado demasiado. Empiece de nuevo.
error-NOT_FOUND = Aquí no hay nada.
error-foreign-form = El formulario no se ha enviado desde esta página. Vuelva a intentarlo desde aquí.
error-other = No ha funcionado. Empiece de nuevo.
