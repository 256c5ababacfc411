use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::{super::Person, *};

const FROM: &str = "Work Accounts <no-reply@example.com>";

fn mail(to: &str) -> Mail {
    let text = "Grüße\r\n.\r\nand more".to_owned();
    let (to, id) = (to.to_owned(), uuid::Uuid::from_u128(7));
    let language = texts::Language::German;
    Mail { to, reply_to: None, language, subject: "Zoë".to_owned(), html: text.clone(), text, id }
}

/// Talks to one client: takes the password `right` and every receiver but `nobody@`. Returns the mails it took.
async fn server(stream: TcpStream) -> Vec<String> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    let (mut mails, mut mail) = (Vec::new(), None::<String>);
    writer.write_all(b"220 ready\r\n").await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(text) = &mut mail {
            if line == "." {
                mails.extend(mail.take());
            } else {
                text.push_str(&format!("{line}\n"));
                continue;
            }
        }
        let answer = match line.split(' ').next().unwrap() {
            "EHLO" => "250-here\r\n250 AUTH PLAIN",
            // AUTH PLAIN \0user\0right
            "AUTH" if line.ends_with("AHVzZXIAcmlnaHQ=") => "235 welcome",
            "AUTH" => "535 who are you",
            "RCPT" if line.contains("nobody@") => "550 no such user",
            "RCPT" if line.contains("busy@") => "451 later",
            "DATA" => {
                mail = Some(String::new());
                "354 go on"
            }
            _ => "250 fine",
        };
        writer.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
    }
    mails
}

async fn send(password: &str, to: &str) -> (Result<(), MailError>, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://user:{password}@{}", listener.local_addr().unwrap());
    let smtp = Smtp::new(&url, FROM).unwrap();
    let served = tokio::spawn(async move { server(listener.accept().await.unwrap().0).await });
    let sent = smtp.send(&mail(to)).await;
    smtp.transport.shutdown().await;
    drop(smtp);
    (sent, served.await.unwrap())
}

#[tokio::test]
async fn a_mail_arrives_whole() {
    let (sent, mails) = send("right", "anna@northwind.example").await;
    assert_eq!((sent, mails.len()), (Ok(()), 1));
    let head = mails[0].split_once("\n\n").unwrap().0;
    assert!(head.contains("Message-ID: <00000000-0000-0000-0000-000000000007@example.com>"), "{head}");
    assert!(head.contains("To: anna@northwind.example") && head.contains("Subject: =?utf-8?b?Wm/Dqw==?="), "{head}");
    assert!(head.contains("Content-Language: de\n") && head.contains("Auto-Submitted: auto-generated\n"), "{head}");
    assert!(!head.contains("Reply-To"), "{head}");
}

#[tokio::test]
async fn an_answer_goes_to_whoever_asked_and_no_header_can_be_smuggled_in() {
    let smtp = Smtp::new("smtp://127.0.0.1:1", FROM).unwrap();
    let name = "Zoë \"Z\", <x@evil.example>\r\nBcc: y@evil.example".to_owned();
    let person = Person { name, address: "zoe@northwind.example".to_owned() };
    let subject = "Help\r\nBcc: z@evil.example".to_owned();
    let mail = Mail { reply_to: Some(person), subject, ..mail("support@example.com") };
    let message = String::from_utf8(smtp.message(&mail).unwrap().formatted()).unwrap();
    let head = message.split_once("\r\n\r\n").unwrap().0;
    assert!(head.contains("Reply-To: ") && head.contains("<zoe@northwind.example>"), "{head}");
    assert!(!head.contains("\r\nBcc") && !head.contains("Auto-Submitted"), "{head}");
    let receivers = smtp.message(&mail).unwrap().envelope().to().to_vec();
    assert_eq!(receivers, ["support@example.com".parse().unwrap()]);
}

#[tokio::test]
async fn only_what_the_receiver_is_refused_for_is_given_up() {
    let status = |code: &str| code.to_owned();
    assert_eq!(send("right", "nobody@northwind.example").await.0, Err(MailError::Permanent(status("550"))));
    assert_eq!(send("right", "busy@northwind.example").await.0, Err(MailError::Temporary(status("451"))));
    assert_eq!(send("wrong", "anna@northwind.example").await.0, Err(MailError::Temporary(status("535"))));
    // Nobody listens.
    let smtp = Smtp::new("smtp://127.0.0.1:1", FROM).unwrap();
    let away = smtp.send(&mail("anna@northwind.example")).await;
    assert_eq!(away, Err(MailError::Temporary(status("no answer"))));
    for header in ["a@b.example\r\nBcc: c@d.example", "a@b.example, c@d.example", ""] {
        assert!(matches!(smtp.send(&mail(header)).await, Err(MailError::Permanent(_))), "{header}");
    }
}

#[tokio::test]
async fn a_password_does_not_leave_in_the_clear() {
    for url in ["smtp://user:secret@mail.example.com", "smtp://user:secret@mail.example.com:587?tls=opportunistic"] {
        let error = Smtp::new(url, FROM).err().unwrap();
        assert!(error.to_string().contains("unencrypted"), "{error}");
    }
    for url in [
        "smtp://user:secret@mail.example.com:587?tls=required",
        "smtps://user:secret@mail.example.com",
        "smtp://user:secret@localhost:2525",
        "smtp://user:secret@[::1]:2525",
        "smtp://relay.example.com:25",
    ] {
        assert!(Smtp::new(url, FROM).is_ok(), "{url}");
    }
    for url in ["mail.example.com", "http://user:secret@localhost", "smtps://", ""] {
        let error = Smtp::new(url, FROM).err().unwrap();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
