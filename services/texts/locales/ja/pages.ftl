# メールとブラウザーだけをお持ちの方のためのページ。{ } の部分には値が入ります。

## 入力欄

field-email = 仕事用のメールアドレス
field-password = パスワード
field-new-password = 新しいパスワード
hint-new-password = 15 文字以上で入力してください。ご自身だけが思いつく文章は、安全で覚えやすくなります。
problem-title = 問題があります

## アカウントの有効化

activate-title = ワークアカウントを有効にする
activate-intro = パスワードを設定してください。すぐにサインインします。
activate-submit = アカウントを有効にする
activate-again = リンクが使えなくなっている場合は、組織の管理者に新しいリンクをご依頼ください。
link-incomplete = リンクが途中で切れています。メールからもう一度開くか、アドレス全体をブラウザーにコピーしてください。

## パスワードを忘れた場合

forgot-title = パスワードをお忘れですか？
forgot-intro = 仕事用のメールアドレスを入力してください。新しいパスワードを設定するためのリンクをメールでお送りします。
forgot-submit = リンクを送信する
forgot-sent-title = メールをご確認ください
forgot-sent = このアドレスのワークアカウントがある場合は、リンクを記載したメールをお送りしています。リンクの有効期限はメールに記載されています。
reset-title = 新しいパスワードを設定する
reset-intro = すぐにサインインし、ほかのセッションはすべて終了します。
reset-submit = パスワードを保存する
reset-again = 新しいリンクを申請する

## サインイン

sign-in-title = サインイン
sign-in-submit = サインインする
sign-in-next = 次へ
sign-in-provider = { $provider } でサインイン
sign-in-required = お客様の組織では、ID プロバイダーでサインインします。
sign-out-provider = そちらからもサインアウトする
signed-out-title = サインアウトしました
signed-out = このウィンドウは閉じてかまいません。
signed-out-here = ここからサインアウトしました。ID プロバイダーのセッションは続いている可能性があります。
sso-title = シングル サインオン
sso-continue = 次へ
sso-led-here = 別のウェブサイトからここに移動しました。Work Accounts にサインインするつもりだった場合にのみ続けてください。
sso-refused = サインインできませんでした。組織の管理者にお問い合わせください。何が問題だったかはイベント履歴に記録されています。
sso-reference = 参照番号
sso-test-title = ID プロバイダーのテスト
sso-test-passed = すべて想定どおりです。このウィンドウを閉じて、プロバイダーを有効にできます。
sso-test-failed = 想定と異なる点があります。このウィンドウは閉じてかまいません。
account-title = ワークアカウント
account-name = 名前
account-organization = 組織
sign-out-submit = サインアウトする

## うまくいかない場合

error-REQUIRED = この項目を入力してください。
error-TOO_LONG = 長すぎます。
error-INVALID_EMAIL = anna@example.com のようなメールアドレスを入力してください。
error-LOOK_ALIKE_DOMAIN = ドメインに、ほかの文字に似せた文字が使われています。所有者の表記どおりに入力してください。
error-INVALID_CHARACTERS = 制御文字や見えない文字を取り除いてください。
error-LINK_INVALID = このリンクは使えません。期限が切れているか、すでに使われているか、新しいリンクに置き換えられています。
error-PASSWORD_TOO_SHORT = 15 文字以上にしてください。文章でもかまいません。
error-PASSWORD_TOO_LONG = 128 文字以内にしてください。
error-PASSWORD_TOO_COMMON = このパスワードは推測されやすいため、別のものにしてください。
error-WRONG_CREDENTIALS = メールアドレスまたはパスワードが違います。
error-PASSWORD_RESET_REQUIRED = メールでお送りしたリンクから、新しいパスワードを設定してください。期限が切れている場合は、もう一度申請してください。
error-RATE_LIMITED = 試行回数が多すぎます。少し待ってから、もう一度お試しください。
error-BUSY = ただいま混み合っています。少し待ってから、もう一度お試しください。
error-UNAVAILABLE = ただいまご利用いただけません。しばらくしてから、もう一度お試しください。
error-SINGLE_SIGN_ON_REQUIRED = お客様の組織では、ID プロバイダーでサインインします。そちらをご利用ください。
error-NO_PASSWORD = お客様は組織の ID プロバイダーでサインインするため、ここにパスワードはありません。
error-PROVIDER_UNREACHABLE = ID プロバイダーが正しく応答しません。しばらくしてからもう一度お試しください。
error-NO_ACTIVE_PROVIDER = ID プロバイダーが有効になっていません。組織の管理者にお問い合わせください。
error-EXPIRED = 時間がかかりすぎました。最初からやり直してください。
error-NOT_FOUND = ここには何もありません。
error-foreign-form = フォームがこのページから送信されていません。ここからもう一度お試しください。
error-other = うまくいきませんでした。最初からやり直してください。
