//! As much of an HTTP/1.1 server as a fake needs: one connection, one call after another.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::Value;

/// A request.
pub(super) struct Call {
    pub(super) method: String,
    pub(super) path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Call {
    /// The value of a header, whose name is given in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(header, _)| header == name);
        header.map(|(_, value)| value.as_str())
    }

    /// The value of a parameter of the query.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        let parameter = self.query.iter().find(|(parameter, _)| parameter == name);
        parameter.map(|(_, value)| value.clone())
    }
}

/// A response, or none: then the connection is closed instead.
pub(super) struct Answer(Option<Response>);

struct Response {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Answer {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self(Some(Response {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_string(),
        }))
    }

    /// No answer.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// The same, with another header.
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Some(response) = &mut self.0 {
            response.headers.push((name, value.to_owned()));
        }
        self
    }
}

/// Serves one connection until it ends.
pub(super) fn serve(connection: TcpStream, answer: impl Fn(&Call) -> Answer) {
    let Ok(mut writer) = connection.try_clone() else {
        return;
    };
    let mut reader = BufReader::new(connection);
    while let Some(call) = read(&mut reader) {
        let Some(response) = answer(&call).0 else {
            return;
        };
        let Response {
            status,
            headers,
            body,
        } = response;
        let mut head = format!("HTTP/1.1 {status} \r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            head.extend([name, ": ", &value, "\r\n"]);
        }
        // A client that is gone needs no answer.
        if writer
            .write_all(format!("{head}\r\n{body}").as_bytes())
            .is_err()
        {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Call> {
    let mut line = String::new();
    reader
        .read_line(&mut line)
        .ok()
        .filter(|bytes| *bytes > 0)?;
    let mut words = line.split_ascii_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader
            .read_line(&mut line)
            .ok()
            .filter(|bytes| *bytes > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(Some(0), |(_, value)| value.parse().ok())?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), decoded(value)))
        .collect();
    Some(Call {
        method,
        path: path.to_owned(),
        query,
        headers,
        body,
    })
}

/// Without what percent-encoding did (RFC 3986, section 2.1).
fn decoded(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        let hex = |byte: Option<u8>| char::from(byte?).to_digit(16);
        match byte {
            b'%' => {
                let (high, low) = (hex(bytes.next()), hex(bytes.next()));
                let value = high
                    .zip(low)
                    .map_or(u32::from(b'?'), |(high, low)| high * 16 + low);
                // OK because two hexadecimal digits make a byte.
                decoded.push(u8::try_from(value).expect("two digits make a byte"));
            }
            byte => decoded.push(byte),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
