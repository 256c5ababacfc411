# メール。{ } の部分には値が入ります。

## すべてのメール

moment = { $year }年{ $month }月{ $day }日 { $time }（UTC）
link-as-text = リンクが開かない場合は、次のアドレスをブラウザーにコピーしてください。
sent-by-itself = このメールは Work Accounts から自動的に送信されています。返信いただいてもお読みすることができません。
ignore = お心当たりのない場合は、このメールを無視してください。
not-you = お心当たりのない場合は、すぐに組織の管理者にご連絡ください。

## 登録時にメールアドレスを確認するコード

signup-code-subject = アクティベーションコードは { $code } です
signup-code-body = Work Accounts のアクティベーションコードは次のとおりです。
code-until = 有効期限は { $until } です。

## すでにアカウントがあるアドレスでの登録

already-registered-subject = すでにワークアカウントをお持ちです
already-registered-body = どなたか（おそらくご本人）が、このメールアドレスで登録しようとしました。このアドレスにはすでにワークアカウントがありますので、サインインしてください。パスワードをお忘れの場合は、サインインの画面で新しいパスワードを設定できます。
already-registered-action = サインイン

## アカウントの追加

activation-subject = ワークアカウントを有効にしてください
activation-body = 「{ $organization }」があなたのワークアカウントを追加しました。パスワードを設定して、アカウントを有効にしてください。
activation-action = アカウントを有効にする
link-until = リンクは { $until } まで、一度だけ使えます。
activation-sso-subject = 仕事用アカウントのお知らせ
activation-sso-body = 「{ $organization }」がお客様の仕事用アカウントを追加しました。組織のログインでサインインしてご利用ください。
activation-sso-action = サインイン

## ID プロバイダーの証明書

certificate-subject = { $provider } の証明書の期限が近づいています
certificate-body = ID プロバイダー「{ $provider }」が署名に使う証明書は { $until } に期限が切れます。それまでにプロバイダーの次の証明書を追加してください。追加しないと、サインインできなくなる可能性があります。

## 新しいパスワード

password-reset-subject = 新しいパスワードを設定してください
password-reset-asked = どなたか（おそらくご本人）が、ワークアカウントの新しいパスワードを申請しました。
password-reset-forced = 組織の管理者が、ワークアカウントの新しいパスワードの設定を求めています。設定後に、再びサインインできます。
password-reset-action = 新しいパスワードを設定する
password-reset-ignore = お心当たりのない場合は、このメールを無視してください。パスワードは変わりません。

password-changed-subject = パスワードが変更されました
password-changed-body = ワークアカウントのパスワードが { $at } に変更されました。ほかのセッションはすべて終了しました。

## アカウントのこれまでのアドレスあて

email-changed-subject = ワークアカウントのメールアドレスが変更されました
email-changed-body = ワークアカウントのメールアドレスが { $at } に変更されました。今後のメールは新しいアドレスに届き、サインインにも新しいアドレスを使います。

## ドメインの管理用アドレスあて

domain-code-subject = { $domain } の確認コード
domain-code-body = 「{ $organization }」が、ドメイン { $domain } を所有していることを Work Accounts で確認しようとしています。コードは次のとおりです。
domain-code-warning = このコードは、ドメインの管理者以外には渡さないでください。コードを入力した人が、{ $domain } のワークアカウントを管理することになります。お心当たりのない場合は、このメールを無視してください。

## サポートあて

support-subject = サポートへのお問い合わせ: { $subject }
support-from = 差出人: { $name } <{ $email }>
support-organization = 組織: { $organization } ({ $id })
support-request = お問い合わせ番号: { $id }
